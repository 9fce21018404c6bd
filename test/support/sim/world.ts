/** All that a run is made of, with the lives of its broker: crash, stop, restart over the same storage. */
import type { AgentName } from "../../../src/domain/names.ts";
import type { LeaseId, TaskId } from "../../../src/kernel/ids.ts";
import { millis } from "../../../src/kernel/time.ts";
import type { Redacted } from "../../../src/kernel/redacted.ts";
import type { BoundPolicy } from "../../../src/policy/resources.ts";
import { createCloud, type Cloud } from "./cloud.ts";
import type { ClassName } from "./classes.ts";
import type { Storage } from "./engine.ts";
import { createJournal, type Journal } from "./journal.ts";
import { createNetwork, type Network } from "./network.ts";
import { startNode, type SimNode } from "./node.ts";
import { createRandom } from "./random.ts";
import type { Exchange } from "./steps.ts";
import type { StoreFaults } from "./store.ts";
import { createSimTime, type Owner, type SimTime } from "./time.ts";

export interface Climate {
  readonly seed: number;
  /** Fractions of calls that meet a fault. */
  readonly systemFaults: number;
  readonly store: StoreFaults;
  /** Millis by which the systems' clocks are behind a right one: they honour a credential for so much longer. */
  readonly skew: number;
  readonly generosity: number;
}

/** A credential in an agent's hands. */
export interface Delivery {
  readonly leaseId: LeaseId;
  readonly taskId: TaskId;
  readonly kind: ClassName;
  readonly agent: string;
  readonly value: Redacted;
  readonly key: string | null;
  readonly expiresInSeconds: number;
  /** How far the wall stepped while the request was under way. */
  readonly steppedMillis: number;
  readonly at: number;
}

export interface OpenedTask {
  readonly id: TaskId;
  readonly agent: AgentName;
  /** Who opened it, by subject. */
  readonly opener: string;
  readonly kinds: readonly ClassName[];
}

export interface SentExchange {
  readonly step: Exchange;
  readonly task: OpenedTask | null;
  readonly replaces: LeaseId | null;
}

export interface World {
  readonly climate: Climate;
  readonly time: SimTime;
  readonly cloud: Cloud;
  readonly network: Network;
  readonly journal: Journal;
  readonly storage: Storage;
  /** In every secret of this run, and nowhere but with agents and systems. */
  readonly canary: string;
  readonly deliveries: Delivery[];
  readonly opened: OpenedTask[];
  /** Requests as they were sent, the latest first. */
  readonly sent: SentExchange[];
  /** Text that left the broker: logs, metrics, faults. */
  readonly spoken: string[];
  /** Whether the wall was ever so wrong that the ledger had to notice. */
  everJumped: boolean;
  /** The life (by where the audit stood at its birth) whose wall leapt ahead. */
  leaptIn: number | null;
  /** An operator is about to accept the wall as it is. */
  isAccepting: boolean;
  /** A violation seen by an actor in the middle of a step. */
  broken: unknown;
  readonly counts: { crashes: number; restarts: number; values: number; used: number; storeFaults: number };
  node(): SimNode;
  /** Where the audit stood before the present life. */
  bornAt: number;
  /** The process dies right now; `restart` must follow. */
  die(): void;
  restart(downtime: number): Promise<void>;
  stopAndRestart(): Promise<void>;
  setFaults(faults: StoreFaults): void;
  dispose(): Promise<void>;
}

/** A clock this wrong is put right when a host boots; a smaller error nobody notices. */
const unnoticedMillis = 59_000;

export async function createWorld(climate: Climate, policy: BoundPolicy, storage: Storage): Promise<World> {
  const time = createSimTime();
  const systems: Owner = { name: "systems", alive: true };
  const cloud = createCloud(time, climate.skew);
  const network = createNetwork({ time, random: createRandom(climate.seed + 3), systems });
  const journal = createJournal();
  const canary = `CANARY${(climate.seed >>> 0).toString(16).padStart(8, "0")}`;
  const spoken: string[] = [];
  const counts = { crashes: 0, restarts: 0, values: 0, used: 0, storeFaults: 0 };
  const newValue = (): string => `${canary}-${(counts.values += 1)}`;
  let faults = climate.store;
  let lives = 0;
  let current: SimNode;

  async function boot(): Promise<void> {
    lives += 1;
    const owner: Owner = { name: `life-${lives}`, alive: true };
    const real = await storage.open(time.clockOf(owner), time.activity);
    const { generosity, seed } = climate;
    const tools = { time, cloud, network, policy, witness: journal.witness, newValue, generosity };
    const speak = (text: string): void => void spoken.push(text);
    current = await startNode(owner, real, { ...tools, seed: seed + lives * 1000, speak });
    current.store.setFaults(faults);
    current.pool.start();
  }

  const world: World = {
    climate,
    time,
    cloud,
    network,
    journal,
    storage,
    canary,
    deliveries: [],
    opened: [],
    sent: [],
    spoken,
    everJumped: false,
    leaptIn: null,
    isAccepting: false,
    broken: null,
    counts,
    node: () => current,
    bornAt: 0,
    die() {
      if (!current.owner.alive) return;
      current.owner.alive = false;
      counts.crashes += 1;
      storage.crash();
      time.drop(current.owner);
      world.isAccepting = false;
    },
    async restart(downtime) {
      await time.settle();
      counts.storeFaults += current.store.injected.faults;
      await current.real.close();
      await time.advance(downtime);
      if (Math.abs(time.wallError()) > unnoticedMillis) time.jumpWall(-time.wallError());
      counts.restarts += 1;
      // Not before an earlier start: the ledger's time does not go back with the wall, and a grace once given stays.
      journal.restartedAt = Math.max(journal.restartedAt ?? 0, time.physical() + time.wallError());
      await boot();
      await journal.catchUp(current.real);
      world.bornAt = journal.entriesRead();
      await time.settle();
    },
    async stopAndRestart() {
      // Not awaited: the process may die while it stops, and a store that is slow then is not waited for.
      void current.pool.stop(millis(5_000));
      await time.advance(6_000);
      if (current.owner.alive) storage.crash();
      current.owner.alive = false;
      time.drop(current.owner);
      world.isAccepting = false;
      await world.restart(100);
    },
    setFaults(next) {
      faults = next;
      current.store.setFaults(next);
    },
    async dispose() {
      current.owner.alive = false;
      time.drop(current.owner);
      await time.settle();
      counts.storeFaults += current.store.injected.faults;
      await current.real.close();
      await storage.dispose();
    },
  };
  await boot();
  network.setFaultRate(climate.systemFaults);
  await time.settle();
  return world;
}
