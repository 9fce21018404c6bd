/**
 * The ledger as a broker may meet it: slow, answering "unknown" for what was applied and for what was not, and gone in
 * the middle of a call when its process dies. Verbs reach the engine in the order in which they were given, always.
 */
import type { Answer, Ledger } from "../../../src/ports/ledger.ts";
import type { RecordIntent } from "../../../src/ports/ledger-commands.ts";
import type { Task } from "../../../src/domain/task.ts";
import type { Random } from "./random.ts";
import type { Owner, SimTime } from "./time.ts";

export interface StoreFaults {
  /** Of "unknown", half of them applied. */
  readonly unknown: number;
  /** Of a verb held up before the engine sees it, or of its answer. */
  readonly slow: number;
}

/** What the engine was given, for the checks; told even where the broker hears "unknown". */
export interface StoreWitness {
  intent(command: RecordIntent): void;
  /** A sign of life that the engine took. */
  beat(task: Task): void;
}

/** Before the engine sees the verb, while the engine holds it, or when it is durable and the answer is not yet heard. */
export type DeathPoint = "before" | "queued" | "committed";

export interface FaultyStore {
  readonly ledger: Ledger;
  setFaults(faults: StoreFaults): void;
  /** Calls `die` at the n-th verb from now. */
  dieAt(verbs: number, when: DeathPoint, die: () => void): void;
  /** Takes that back. */
  spare(): void;
  readonly injected: { faults: number };
}

const unknown = { kind: "unknown", reason: "injected" } as const;
const never = new Promise<never>(() => {});

export function createFaultyStore(tools: {
  real: Ledger;
  time: SimTime;
  random: Random;
  owner: Owner;
  witness: StoreWitness;
}): FaultyStore {
  const { real, time, random, owner, witness } = tools;
  const injected = { faults: 0 };
  let faults: StoreFaults = { unknown: 0, slow: 0 };
  let doom: { verbs: number; readonly when: DeathPoint; readonly die: () => void } | null = null;
  /** No verb reaches the engine before the ones that were given earlier. */
  let busyUntil = 0;
  let waiting = 0;

  const isDoomed = (): boolean => doom !== null && --doom.verbs <= 0;

  function inOrder<T>(run: () => Promise<T>): Promise<T> {
    const stall = random.chance(faults.slow / 4) ? random.between(1, 4_000) : 0;
    busyUntil = Math.max(busyUntil, time.physical() + stall);
    const wait = busyUntil - time.physical();
    if (wait <= 0 && waiting === 0) return run();
    waiting += 1;
    if (stall > 0) injected.faults += 1;
    return new Promise((resolve) => {
      time.after(owner, wait, () => {
        waiting -= 1;
        resolve(run());
      });
    });
  }

  async function answerOf<T>(run: () => Promise<T>): Promise<T> {
    time.activity.pending += 1;
    try {
      return await run();
    } finally {
      time.activity.pending -= 1;
      time.activity.count += 1;
    }
  }

  function verb<C, T, K>(run: (command: C) => Promise<Answer<T, K>>, tell: (command: C) => void = () => {}) {
    return async (command: C): Promise<Answer<T, K>> => {
      if (!owner.alive) return never;
      const dies = isDoomed() ? doom : null;
      if (dies?.when === "before") dies.die();
      if (!owner.alive) return never;
      const isUnknown = random.chance(faults.unknown);
      const isApplied = !isUnknown || random.chance(0.5);
      if (isUnknown) injected.faults += 1;
      const answer = await inOrder(async () => {
        if (!isApplied) return unknown;
        tell(command);
        const running = answerOf(() => run(command));
        if (dies?.when === "queued") dies.die();
        return running;
      });
      if (dies?.when === "committed") dies.die();
      if (random.chance(faults.slow / 4)) {
        injected.faults += 1;
        await new Promise<void>((resolve) => void time.after(owner, random.between(1, 5_000), resolve));
      }
      if (!owner.alive) return never;
      return isUnknown ? unknown : answer;
    };
  }

  function read<Q extends readonly unknown[], T>(run: (...query: Q) => Promise<T>) {
    return async (...query: Q): Promise<T> => {
      if (!owner.alive) return never;
      try {
        const value = await answerOf(() => run(...query));
        return owner.alive ? value : never;
      } catch (error) {
        if (owner.alive) throw error;
        return never;
      }
    };
  }

  const ledger: Ledger = {
    openTask: verb((command) => real.openTask(command)),
    heartbeat: verb(async (command) => {
      const answer = await real.heartbeat(command);
      if (answer.kind === "ok") witness.beat(answer.value);
      return answer;
    }),
    endTask: verb((command) => real.endTask(command)),
    closeDoor: verb((command) => real.closeDoor(command)),
    openDoor: verb((command) => real.openDoor(command)),
    loadPolicy: verb((command) => real.loadPolicy(command)),
    recordIntent: verb(
      (command) => real.recordIntent(command),
      (command) => witness.intent(command),
    ),
    completeMint: verb((command) => real.completeMint(command)),
    failMint: verb((command) => real.failMint(command)),
    makeDue: verb((command) => real.makeDue(command)),
    reopenLease: verb((command) => real.reopenLease(command)),
    closeOverdueTasks: verb((command) => real.closeOverdueTasks(command)),
    expandKillOrders: verb((command) => real.expandKillOrders(command)),
    claimDue: verb((command) => real.claimDue(command)),
    recordVerdict: verb((command) => real.recordVerdict(command)),
    releaseClaim: verb((command) => real.releaseClaim(command)),
    setTarget: verb((command) => real.setTarget(command)),
    takeLock: verb((command) => real.takeLock(command)),
    releaseLock: verb((command) => real.releaseLock(command)),
    noteProvider: verb((command) => real.noteProvider(command)),
    purge: verb((command) => real.purge(command)),
    appendAudit: verb((command) => real.appendAudit(command)),
    acceptClock: verb((command) => real.acceptClock(command)),
    dueWork: read(() => real.dueWork()),
    readTask: read((query) => real.readTask(query)),
    readLease: read((query) => real.readLease(query)),
    findLease: read((query) => real.findLease(query)),
    listLeases: read((query) => real.listLeases(query)),
    summarize: read((query) => real.summarize(query)),
    blastRadius: read((query) => real.blastRadius(query)),
    listStuck: read((query) => real.listStuck(query)),
    listDenied: read((query) => real.listDenied(query)),
    listActive: read((query) => real.listActive(query)),
    listProviderNotes: read(() => real.listProviderNotes()),
    listTargets: read(() => real.listTargets()),
    listDoors: read(() => real.listDoors()),
    listAudit: read((query) => real.listAudit(query)),
    auditHead: read(() => real.auditHead()),
    mark: read(() => real.mark()),
    health: read(() => real.health()),
    sealedKeyIds: read(() => real.sealedKeyIds()),
    onDue: (listener) => real.onDue((at) => void (owner.alive && listener(at))),
    close: () => real.close(),
  };

  return {
    ledger,
    injected,
    setFaults: (next) => void (faults = next),
    dieAt: (verbs, when, die) => void (doom = { verbs, when, die }),
    spare: () => void (doom = null),
  };
}
