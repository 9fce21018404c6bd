/** One life of the broker: the real use cases and the real kill pool, from start to crash, on a ledger that may fail. */
import { createBroker, type Broker } from "../../../src/broker/broker.ts";
import { createChangeHub } from "../../../src/broker/change-hub.ts";
import { createHousekeeper } from "../../../src/broker/housekeeper.ts";
import { createInFlight } from "../../../src/broker/in-flight.ts";
import { createRefusalNotes } from "../../../src/broker/note-refusal.ts";
import { createKillPool, type KillPool } from "../../../src/broker/kill/kill-pool.ts";
import { createLocalWorkforce } from "../../../src/broker/kill/local-workforce.ts";
import { createProviderFacade } from "../../../src/broker/provider-facade.ts";
import { createIdFactory } from "../../../src/kernel/ids.ts";
import type { BoundPolicy } from "../../../src/policy/resources.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Log } from "../../../src/ports/log.ts";
import type { Metrics } from "../../../src/ports/metrics.ts";
import { createSeededEntropy } from "../seeded-entropy.ts";
import { classNames, type ClassName } from "./classes.ts";
import type { Cloud } from "./cloud.ts";
import { createSimSealer, sha256, unusedSigner } from "./keys.ts";
import type { Network } from "./network.ts";
import { simAttestor } from "./people.ts";
import { createSimProvider } from "./provider.ts";
import { createRandom } from "./random.ts";
import { createFaultyStore, type FaultyStore, type StoreWitness } from "./store.ts";
import type { Owner, SimTime } from "./time.ts";

export interface SimNode {
  readonly owner: Owner;
  readonly broker: Broker;
  readonly pool: KillPool;
  /** The engine itself: for the checks, which must see the truth. */
  readonly real: Ledger;
  readonly store: FaultyStore;
}

export interface NodeTools {
  readonly time: SimTime;
  readonly cloud: Cloud;
  readonly network: Network;
  readonly policy: BoundPolicy;
  readonly witness: StoreWitness;
  readonly newValue: () => string;
  readonly generosity: number;
  /** Of this life: two lives share no ids. */
  readonly seed: number;
  /** Everything that is logged or measured, as text. */
  readonly speak: (text: string) => void;
}

export async function startNode(owner: Owner, real: Ledger, tools: NodeTools): Promise<SimNode> {
  const { time, cloud, network, policy, witness, newValue, generosity, seed, speak } = tools;
  const clock = time.clockOf(owner);
  const entropy = createSeededEntropy(seed);
  const random = createRandom(seed + 1);
  const store = createFaultyStore({ real, time, random: createRandom(seed + 2), owner, witness });
  const { generation } = await real.health();
  const log = speakingLog(speak);
  const metrics = speakingMetrics(speak);
  const provider = { cloud, network, random, owner, clock, newValue, generosity };
  const providers = new Map(classNames.map((kind) => [kind, createSimProvider(kind, provider)]));
  const byName = (name: string) => providers.get(classNames.find((kind) => kind === name) ?? unknownClass(name));
  const parts = {
    issuerUrl: "https://broker.example",
    ledger: store.ledger,
    attestor: simAttestor,
    policy: () => policy,
    providers: createProviderFacade({ lookup: { issuing: byName, revoking: byName }, clock, log, metrics }),
    sealer: createSimSealer(entropy),
    signer: unusedSigner,
    ids: createIdFactory({ clock, entropy, generation: () => generation }),
    clock,
    entropy,
    sha256,
    nextTurn: async () => undefined,
    changes: createChangeHub({ clock, ledger: store.ledger }),
    refusals: createRefusalNotes({ ledger: store.ledger, clock, metrics }),
    inFlight: createInFlight(),
    log,
    metrics,
  };
  createHousekeeper(parts).start();
  return {
    owner,
    real,
    store,
    broker: createBroker(parts),
    pool: createKillPool({ ...parts, workforce: createLocalWorkforce(), works: true }),
  };
}

function unknownClass(name: string): ClassName {
  throw new Error(`no class ${name}`);
}

function speakingLog(speak: (text: string) => void): Log {
  const line = (event: string, fields?: object): void => speak(`${event} ${JSON.stringify(fields)}`);
  return { info: line, warn: line, error: line };
}

function speakingMetrics(speak: (text: string) => void): Metrics {
  const line = (name: string, labels?: object): void => speak(`${name} ${JSON.stringify(labels)}`);
  return {
    count: line,
    gauge: (name, _value, labels) => line(name, labels),
    observeSeconds: (name, _value, labels) => line(name, labels),
  };
}
