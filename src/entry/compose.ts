/**
 * The only wiring: adapters to ports, ports to use cases, use cases to the HTTP app. Loads the policy and
 * answers either everything or the first reason why not; nothing listens yet.
 */
import { readFile } from "node:fs/promises";
import { createAttestor } from "../attest/attestor.ts";
import { createKeySources } from "../attest/key-sources.ts";
import { createBroker, type Broker } from "../broker/broker.ts";
import { createChangeHub } from "../broker/change-hub.ts";
import { createDriftProviders } from "../broker/drift/ask-provider.ts";
import { createDriftWatch, type DriftWatch, type DriftWatchParts } from "../broker/drift/drift-watch.ts";
import { createRestoreHold, type RestoreHold } from "../broker/drift/restore-hold.ts";
import { createHousekeeper, type Housekeeper } from "../broker/housekeeper.ts";
import { createInFlight, type InFlight } from "../broker/in-flight.ts";
import { createRefusalNotes } from "../broker/note-refusal.ts";
import { createKillPool, type KillPool } from "../broker/kill/kill-pool.ts";
import { createKillRecords, type KillRecords } from "../broker/operate/kill-records.ts";
import type { BrokerParts } from "../broker/parts.ts";
import { createProviderLedger } from "../broker/provider-ledger.ts";
import { createProviderFacade } from "../broker/provider-facade.ts";
import type { ProviderName } from "../domain/names.ts";
import { createIdFactory } from "../kernel/ids.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { formatFault } from "../policy/parse/fault.ts";
import type { Attestor } from "../ports/attestor.ts";
import type { Ledger } from "../ports/ledger.ts";
import { openAdapters, type Adapters, type Machine } from "./adapters.ts";
import type { ConfigFault, Role, ServeOptions } from "./config.ts";
import { connectProviders, type Connections } from "./connections.ts";
import { createNextTurn } from "./next-turn.ts";
import { createNodeMetrics, type NodeMetrics } from "./node-metrics.ts";
import { createNodeVerifier, nodeDigest } from "./node-signature.ts";
import { refreshGauges, type KillGauges } from "./refresh-gauges.ts";
import type { ProviderRegistry } from "./provider-registry.ts";
import { createPolicyHost, type PolicyHost } from "./policy-host.ts";

export interface Composed {
  /** What a stop has to wait for. */
  readonly inFlight: InFlight;
  readonly broker: Broker;
  readonly pool: KillPool;
  readonly housekeeper: Housekeeper;
  readonly drift: DriftWatch;
  readonly policy: PolicyHost;
  readonly ledger: Ledger;
  readonly metrics: NodeMetrics;
  close(): Promise<void>;
}

/** Verified attestations that are remembered: 10 thousand agents that reuse theirs, at about 2 kB each. */
const attestationCacheSize = 10_000;

export async function compose(
  options: ServeOptions & { readonly issuerUrl: string },
  machine: Machine,
): Promise<Result<Composed, ConfigFault>> {
  const adapters = await openAdapters(options, machine);
  return adapters.ok ? assemble(options, adapters.value, machine) : adapters;
}

/** Joins the adapters; owns them from here on. */
export async function assemble(
  options: { readonly issuerUrl: string; readonly policyDir: string; readonly role: Role },
  adapters: Adapters,
  machine: Machine,
): Promise<Result<Composed, ConfigFault>> {
  const { issuerUrl, policyDir: dir } = options;
  const { ledger, workforce, couldLose, sealer, signer, connections } = adapters;
  const { clock, entropy, log } = machine;
  const metrics = createNodeMetrics(() => refreshGauges(metrics, ledger, workforce, kills));
  const mark = await ledger.mark();
  const ledgerOf = (name: ProviderName) => createProviderLedger({ ledger, entropy, mark, name });
  const registry = connectProviders(connections, { ...machine, issuerUrl, signer, ledgerOf });
  const policy = await createPolicyHost({ dir, registry, ledger, clock, log, metrics });
  const close = (): Promise<void> => closeInTurn([ledger, registry, connections]);
  if (!policy.ok) {
    await close();
    return err({
      setting: "--policy",
      message: policy.fault.map(formatFault).join("\n  "),
      fix: "mend the policy; `mayfly policy check` shows the same",
    });
  }

  const generation = (await ledger.health()).generation;
  const inFlight = createInFlight();
  const known = { ledger, clock, entropy, log, metrics, policy: () => policy.value.current() };
  const { drift, hold } = await watchDrift(known, registry, generation);
  const providers = createProviderFacade({ lookup: registry.lookup, clock, log, metrics });
  const kills = await watchKills(known, providers);
  const parts: BrokerParts = {
    ...known,
    issuerUrl,
    depths: () => workforce.depths(),
    ...(couldLose !== undefined && { couldLose }),
    attestor: attestorOf(policy.value, connections, machine),
    providers,
    isHeld: (provider) => hold.isHeld(provider),
    isKillUnseen: kills.records.isUnseen,
    drift,
    sealer,
    signer,
    ids: createIdFactory({ clock, entropy, generation: () => generation }),
    sha256: nodeDigest,
    nextTurn: createNextTurn(),
    changes: createChangeHub({ clock, ledger }),
    refusals: createRefusalNotes({ ledger, clock, metrics }),
    inFlight,
  };
  return ok({
    broker: createBroker(parts),
    inFlight,
    pool: createKillPool({ ...parts, workforce, works: options.role !== "api" }),
    housekeeper: createHousekeeper(parts),
    drift,
    policy: policy.value,
    ledger,
    metrics,
    close,
  });
}

async function closeInTurn(parts: readonly { close(): Promise<void> }[]): Promise<void> {
  for (const part of parts) {
    // oxlint-disable-next-line no-await-in-loop -- what came later is used by what goes first
    await part.close();
  }
}

/** What a restore has left open is known before anything listens. */
async function watchDrift(
  known: Omit<DriftWatchParts, "drift" | "hold">,
  { lookup }: ProviderRegistry,
  generation: number,
): Promise<{ drift: DriftWatch; hold: RestoreHold }> {
  const asked = createDriftProviders({ lookup, clock: known.clock });
  const hold = createRestoreHold({ ledger: known.ledger, generation, current: (name) => asked.current(name) });
  await hold.refresh();
  return { drift: createDriftWatch({ ...known, drift: asked, hold }), hold };
}

/** A kill that was never seen to work is told at each start, until it was. */
async function watchKills(
  { ledger, clock, log, policy }: Pick<BrokerParts, "ledger" | "clock" | "log" | "policy">,
  providers: BrokerParts["providers"],
): Promise<KillGauges & { readonly records: KillRecords }> {
  const records = createKillRecords({ ledger, clock, current: (name) => providers.current(name) });
  await records.refresh();
  const names = () => policy().providers.keys();
  const unseen = [...names()].filter((name) => records.of(name)?.kind === "not_seen");
  if (unseen.length > 0)
    log.warn("provider_kill_not_seen", {
      providers: unseen.join(", "),
      fix: "mayfly provider test NAME --template NAME",
    });
  return { records, providers: names };
}

function attestorOf(policy: PolicyHost, connections: Connections, { clock, log }: Machine): Attestor {
  return createAttestor({
    issuerOf: (issuerUrl) => policy.issuerOf(issuerUrl),
    keySources: createKeySources({ http: connections.keys, loadText, clock, log }),
    verifySignature: createNodeVerifier(),
    digest: nodeDigest,
    cacheSize: attestationCacheSize,
  });
}

async function loadText(path: string): Promise<Result<string, "file">> {
  try {
    return ok(await readFile(path, "utf8"));
  } catch {
    return err("file");
  }
}
