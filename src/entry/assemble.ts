/**
 * The only wiring, the same in every runtime: adapters to ports, ports to use cases. Loads the policy and answers
 * either everything or every reason why not; nothing listens yet. What a runtime does in its own way is handed in, so
 * this file and all that it imports use web-standard APIs only.
 */
import { createAttestor } from "../attest/attestor.ts";
import { createKeySources } from "../attest/key-sources.ts";
import type { LoadText } from "../attest/key-location.ts";
import type { VerifySignature } from "../attest/verify-signature.ts";
import { createBroker, type Broker } from "../broker/broker.ts";
import { createChangeHub } from "../broker/change-hub.ts";
import { createDriftProviders } from "../broker/drift/ask-provider.ts";
import { createDriftWatch, type DriftWatch, type DriftWatchParts } from "../broker/drift/drift-watch.ts";
import { createRestoreHold, type RestoreHold } from "../broker/drift/restore-hold.ts";
import { createHousekeeper, type Housekeeper } from "../broker/housekeeper.ts";
import { createInFlight, type InFlight } from "../broker/in-flight.ts";
import { createRefusalNotes } from "../broker/note-refusal.ts";
import { createKillPool, type KillPool } from "../broker/kill/kill-pool.ts";
import { createKillRecords } from "../broker/operate/kill-records.ts";
import type { BrokerParts } from "../broker/parts.ts";
import { createProviderLedger } from "../broker/provider-ledger.ts";
import { createProviderFacade } from "../broker/provider-facade.ts";
import type { ProviderName } from "../domain/names.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Sha256 } from "../kernel/digest.ts";
import type { Entropy } from "../kernel/entropy.ts";
import { createIdFactory, type Home } from "../kernel/ids.ts";
import { ok, type Result } from "../kernel/result.ts";
import type { PolicyFault } from "../policy/parse/fault.ts";
import type { Attestor } from "../ports/attestor.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { CouldLose } from "../ports/ledger-views.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { ProviderTools } from "../ports/provider.ts";
import type { Sealer } from "../ports/sealer.ts";
import type { TokenSigner } from "../ports/token-signer.ts";
import type { Workforce } from "../ports/workforce.ts";
import { connectProviders, type Connections } from "./connections.ts";
import type { PolicySource } from "./load-policy.ts";
import { createPolicyHost, type Mode, type PolicyHost } from "./policy-host.ts";
import type { ProviderRegistry } from "./provider-registry.ts";
import { refreshGauges } from "./refresh-gauges.ts";

/** What the broker stands on, and owns from here on. */
export interface Adapters {
  readonly sealer: Sealer;
  readonly signer: TokenSigner;
  readonly ledger: Ledger;
  /** The part of it that this process kills and tidies for. Left out: all of it. */
  readonly ownPart?: Ledger;
  readonly workforce: Workforce;
  /** Left out: nothing that was answered. */
  readonly couldLose?: CouldLose;
  readonly connections: Connections;
}

/** What a runtime does in its own way. */
export interface Runtime {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly verifySignature: VerifySignature;
  readonly digest: Sha256;
  readonly nextTurn: () => Promise<void>;
  /** Of key sets that an issuer names by file. */
  readonly loadText: LoadText;
  readonly resolveSecret: ProviderTools["resolveSecret"];
}

export interface AssembleOptions {
  readonly issuerUrl: string;
  readonly policySource: PolicySource;
  /** Left out: production. */
  readonly mode?: Mode;
  /** Whether this process kills. */
  readonly kills: boolean;
  /** How many it takes in hand each time that it is woken. Left out: all that are due. */
  readonly claimsAtATime?: number;
  /** Where new tasks are kept unless their request says otherwise. Left out: anywhere. */
  readonly homeOfNew?: () => Home;
}

export interface Assembled {
  /** What a stop has to wait for. */
  readonly inFlight: InFlight;
  readonly broker: Broker;
  readonly pool: KillPool;
  readonly housekeeper: Housekeeper;
  readonly drift: DriftWatch;
  readonly policy: PolicyHost;
  readonly ledger: Ledger;
  /** Sets the gauges that are read from the ledger; before each scrape. */
  refreshGauges(): Promise<void>;
  close(): Promise<void>;
}

/** Verified attestations that are remembered: 10 thousand agents that reuse theirs, at about 2 kB each. */
const attestationCacheSize = 10_000;

export async function assemble(
  options: AssembleOptions,
  adapters: Adapters,
  runtime: Runtime,
): Promise<Result<Assembled, readonly PolicyFault[]>> {
  const { issuerUrl, policySource: source, mode = "production", homeOfNew: home, claimsAtATime } = options;
  const { ledger, ownPart = ledger, workforce, couldLose, sealer, signer, connections } = adapters;
  const { clock, entropy, log, metrics, nextTurn, digest: sha256 } = runtime;
  const mark = await ledger.mark();
  const ledgerOf = (name: ProviderName) => createProviderLedger({ ledger, entropy, mark, name });
  const registry = connectProviders(connections, { ...runtime, issuerUrl, signer, ledgerOf });
  const providers = createProviderFacade({ lookup: registry.lookup, clock, log, metrics });
  const kills = createKillRecords({ ledger, clock, current: (name) => providers.current(name) });
  const policy = await createPolicyHost({ source, registry, ledger, clock, log, metrics, mode, kills });
  const close = (): Promise<void> => closeInTurn([ledger, registry, connections]);
  if (!policy.ok) {
    await close();
    return policy;
  }

  const generation = (await ownPart.health()).generation;
  const inFlight = createInFlight();
  const known = { ledger, clock, entropy, log, metrics, policy: () => policy.value.current() };
  const names = () => known.policy().providers.keys();
  const { drift, hold } = await watchDrift(known, registry, generation);
  const parts: BrokerParts = {
    ...known,
    issuerUrl,
    depths: () => workforce.depths(),
    ...(couldLose !== undefined && { couldLose }),
    attestor: attestorOf(policy.value, connections, runtime),
    providers,
    isHeld: (provider) => hold.isHeld(provider),
    isKillUnseen: kills.isUnseen,
    drift,
    sealer,
    signer,
    ids: createIdFactory({ clock, entropy, generation: () => generation, ...(home !== undefined && { home }) }),
    sha256,
    nextTurn,
    changes: createChangeHub({ clock, ledger }),
    refusals: createRefusalNotes({ ledger, clock, metrics }),
    inFlight,
  };
  return ok({
    broker: createBroker(parts),
    inFlight,
    pool: createKillPool({ ...parts, ledger: ownPart, workforce, works: options.kills, claimsAtATime }),
    housekeeper: createHousekeeper({ ...parts, ledger: ownPart }),
    drift,
    policy: policy.value,
    ledger,
    refreshGauges: () => refreshGauges(metrics, ledger, workforce, { records: kills, providers: names }),
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

const attestorOf = (policy: PolicyHost, connections: Connections, runtime: Runtime): Attestor =>
  createAttestor({
    issuerOf: (issuerUrl) => policy.issuerOf(issuerUrl),
    keySources: createKeySources({ ...runtime, http: connections.keys }),
    verifySignature: runtime.verifySignature,
    digest: runtime.digest,
    cacheSize: attestationCacheSize,
  });
