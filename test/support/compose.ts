/**
 * A whole broker in this process: the memory ledger, a served issuer of attestations, the real attestor, the real
 * providers, a policy from YAML text. What flows need and nothing of how a production broker is configured.
 */
import { loadProviderType } from "../../providers/index.ts";
import { createAttestor } from "../../src/attest/attestor.ts";
import { createKeySources } from "../../src/attest/key-sources.ts";
import { createBroker, type Broker } from "../../src/broker/broker.ts";
import { createChangeHub } from "../../src/broker/change-hub.ts";
import { createInFlight } from "../../src/broker/in-flight.ts";
import { createRefusalNotes } from "../../src/broker/note-refusal.ts";
import { createDriftProviders } from "../../src/broker/drift/ask-provider.ts";
import { createDriftWatch } from "../../src/broker/drift/drift-watch.ts";
import { createKillPool } from "../../src/broker/kill/kill-pool.ts";
import { createLocalWorkforce } from "../../src/broker/kill/local-workforce.ts";
import { createKillRecords } from "../../src/broker/operate/kill-records.ts";
import { createProviderLedger } from "../../src/broker/provider-ledger.ts";
import type { BrokerParts } from "../../src/broker/parts.ts";
import { createProviderFacade } from "../../src/broker/provider-facade.ts";
import { openMemoryLedger } from "../../src/engines/memory/ledger.ts";
import { emptyState } from "../../src/engines/memory/state.ts";
import { createNodeHttpClient } from "../../src/entry/node-http-client.ts";
import { createNextTurn } from "../../src/entry/next-turn.ts";
import { createNodeVerifier, nodeDigest } from "../../src/entry/node-signature.ts";
import { createProviderRegistry } from "../../src/entry/provider-registry.ts";
import { createAdminApp } from "../../src/http/admin-app.ts";
import { createPublicApp } from "../../src/http/public-app.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { createIdFactory } from "../../src/kernel/ids.ts";
import { err, ok } from "../../src/kernel/result.ts";
import { millis } from "../../src/kernel/time.ts";
import { generateSealingKeys } from "../../src/keys/generate.ts";
import { parseSealingKeys } from "../../src/keys/sealing-keys.ts";
import { createSealingRing } from "../../src/keys/sealing-ring.ts";
import { bindPolicy } from "../../src/policy/bind.ts";
import { formatFault } from "../../src/policy/parse/fault.ts";
import { parsePolicy } from "../../src/policy/parse/parse-policy.ts";
import type { BoundPolicy } from "../../src/policy/resources.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Workforce } from "../../src/ports/workforce.ts";
import type { ProviderType } from "../../src/ports/provider.ts";
import type { CouldLose } from "../../src/ports/ledger-views.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Metrics } from "../../src/ports/metrics.ts";
import { startIssuer, type ServedIssuer } from "./issuer-server.ts";
import { createTestTools } from "./provider-tools.ts";
import { realClock } from "./real-clock.ts";
import { createSeededEntropy } from "./seeded-entropy.ts";
import { silentLog, silentMetrics } from "./silent.ts";

export const issuerUrl = "https://broker.example";

export interface Composed {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly issuer: ServedIssuer;
  readonly inFlight: BrokerParts["inFlight"];
  readonly public: ReturnType<typeof createPublicApp>;
  readonly admin: ReturnType<typeof createAdminApp>;
  /** An attestation of this subject, for this broker. */
  attest(subject: string, claims?: Readonly<Record<string, unknown>>): string;
  close(): Promise<void>;
}

export interface Wish {
  /** Policy text; `ISSUER` in it becomes the served issuer's URL. */
  readonly policy: string;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
  /** What `{ env: NAME }` in the policy reads. */
  readonly secrets?: Record<string, string>;
  /** Wraps the ledger: to count, to break, to delay. */
  readonly around?: (ledger: Ledger) => Ledger;
  /** What the store is said to lose. */
  readonly couldLose?: CouldLose;
  /** The queues of the kills. */
  readonly isHeld?: BrokerParts["isHeld"];
  /** Provider types that are not of the release. */
  readonly types?: readonly ProviderType[];
  readonly depths?: Workforce["depths"];
  /** Starts the workers of the kill path. */
  readonly kills?: boolean;
  /** Asked for ids and jitter; a fixed seed unless told. */
  readonly seed?: number;
}

export async function compose(wish: Wish): Promise<Composed> {
  const { clock = realClock, log = silentLog, metrics = silentMetrics } = wish;
  const issuer = await startIssuer();
  const entropy = createSeededEntropy(wish.seed ?? 1);
  const tools = await createTestTools({ issuerUrl, now: () => clock.now(), secrets: wish.secrets ?? {} });
  const opened = openMemoryLedger({ clock, state: emptyState() });
  const ledger = wish.around?.(opened) ?? opened;
  const registry = createProviderRegistry({
    ...tools,
    ledgerOf: (name) => createProviderLedger({ ledger, entropy, mark: tools.ledger.mark, name }),
    issuingHttp: tools.http,
    revokingHttp: tools.http,
    loadType: async (name) => {
      const own = wish.types?.find(({ type }) => type === name);
      return own === undefined ? loadProviderType(name) : ok(own);
    },
  });
  const policy = await loadPolicy(wish.policy.replaceAll("ISSUER", issuer.url), registry);
  const keysHttp = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 4 });
  const issuers = [...policy.issuers.values()];
  const sealing = parseSealingKeys(generateSealingKeys(entropy));
  if (!sealing.ok) throw new Error(sealing.fault.message);
  const providers = createProviderFacade({ lookup: registry.lookup, clock, log, metrics });
  const records = createKillRecords({ ledger, clock, current: (name) => providers.current(name) });
  const parts = {
    issuerUrl,
    ledger,
    isKillUnseen: records.isUnseen,
    ...(wish.isHeld !== undefined && { isHeld: wish.isHeld }),
    ...(wish.depths !== undefined && { depths: wish.depths }),
    ...(wish.couldLose !== undefined && { couldLose: wish.couldLose }),
    attestor: createAttestor({
      issuerOf: (url) => issuers.find((trusted) => trusted.issuer === url),
      keySources: createKeySources({ http: keysHttp, clock, log, loadText: async () => err("file") }),
      verifySignature: createNodeVerifier(),
      digest: nodeDigest,
      cacheSize: 100,
    }),
    policy: () => policy,
    providers,
    sealer: await createSealingRing(sealing.value, entropy),
    signer: tools.signer,
    ids: createIdFactory({ clock, entropy, generation: () => 0 }),
    clock,
    entropy,
    sha256: nodeDigest,
    nextTurn: createNextTurn(setImmediate),
    changes: createChangeHub({ clock, ledger }),
    refusals: createRefusalNotes({ ledger, clock, metrics }),
    inFlight: createInFlight(),
    log,
    metrics,
  };
  const hold = { isHeld: () => false, refresh: async () => {} };
  const drift = createDriftWatch({ ...parts, drift: createDriftProviders({ lookup: registry.lookup, clock }), hold });
  const broker = createBroker({ ...parts, drift });
  const pool = createKillPool({ ...parts, workforce: createLocalWorkforce(), works: true });
  if (wish.kills === true) pool.start();
  const apps = { broker, log, metrics };
  return {
    broker,
    ledger,
    issuer,
    inFlight: parts.inFlight,
    public: createPublicApp(apps),
    admin: createAdminApp({ ...apps, renderMetrics: async () => "up 1\n" }),
    attest: (subject, claims = {}) => issuer.attest({ subject, audience: issuerUrl, now: clock.now(), claims }),
    async close() {
      await pool.stop(millis(1_000));
      await ledger.close();
      await Promise.all([keysHttp.close(), tools.close(), issuer.close()]);
    },
  };
}

async function loadPolicy(text: string, registry: ReturnType<typeof createProviderRegistry>): Promise<BoundPolicy> {
  const parsed = await parsePolicy([{ path: "policy.yaml", text }]);
  if (!parsed.ok) throw new Error(parsed.fault.map(formatFault).join("\n"));
  const prepared = await registry.prepare(parsed.value.policy.providers);
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.fault));
  const bound = bindPolicy(parsed.value.policy, (template) => prepared.value.parseScope(template));
  if (!bound.ok) throw new Error(bound.fault.map(formatFault).join("\n"));
  registry.activate(prepared.value);
  return bound.value;
}
