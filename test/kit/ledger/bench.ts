/** The kit's workbench: one harness, the builders, and the steps that most rows need on their way to the point. */
import { describe, expect, it } from "vitest";
import type { Lease, LeaseState } from "../../../src/domain/lease.ts";
import type { Task } from "../../../src/domain/task.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import type { LeaseId, TaskId } from "../../../src/kernel/ids.ts";
import { millis } from "../../../src/kernel/time.ts";
import type { Answer, Ledger } from "../../../src/ports/ledger.ts";
import type { ClaimDue, CompleteMint } from "../../../src/ports/ledger-commands.ts";
import type { LeaseView, TaskView } from "../../../src/ports/ledger-views.ts";
import {
  createBuilders,
  ledgerTarget,
  operator,
  type Builders,
  type IntentWish,
  type TaskWish,
} from "../../support/builders.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import type { MakeHarness } from "./harness.ts";

export interface Bench extends Builders {
  readonly ledger: Ledger;
  readonly clock: ManualClock;
  restart(): Promise<void>;
  opened(wish?: TaskWish): Promise<Task>;
  intended(task: Task, wish?: IntentWish): Promise<Lease>;
  active(task: Task, wish?: IntentWish, mint?: Partial<CompleteMint>): Promise<Lease>;
  ended(task: Task): Promise<Task>;
  /** Due, swept and claimed: ready for a verdict. */
  dying(lease: Lease): Promise<{ lease: Lease; fence: string }>;
  claim(wish?: Partial<ClaimDue>): Promise<{ leases: readonly Lease[]; fence: string }>;
  judge(
    claimed: { lease: Pick<Lease, "id">; fence: string },
    outcome: Verdict | { kind: "native_expiry" },
  ): Promise<Lease>;
  /** Closes lapsed tasks and walks kill orders until nothing is left to walk. */
  sweep(): Promise<void>;
  lease(id: LeaseId): Promise<LeaseView>;
  state(id: LeaseId): Promise<LeaseState>;
  task(id: TaskId): Promise<TaskView>;
}

export type Row = readonly [name: string, run: (bench: Bench) => Promise<void>];

/** One named test a row, each on its own ledger. */
export function describeRows(theme: string, make: MakeHarness, rows: readonly Row[]): void {
  describe(`rows of ${theme}`, () => {
    it.each(rows)("%s", async (_name, run) => {
      expect.hasAssertions();
      const harness = await make();
      try {
        await run(createBench(harness));
      } finally {
        await harness.close();
      }
    });
  });
}

export function valueOf<T, C>(answer: Answer<T, C>): T {
  if (answer.kind !== "ok") throw new Error(`expected ok, got ${JSON.stringify(answer)}`);
  return answer.value;
}

export function sequenceOf<T, C>(answer: Answer<T, C>): number {
  if (answer.kind !== "ok") throw new Error(`expected ok, got ${JSON.stringify(answer)}`);
  return answer.sequence;
}

/** The conflict of an answer, for `toMatchObject`. */
export const refused = (reason: string, more: object = {}) => ({ kind: "conflict", conflict: { reason, ...more } });
export const accepted = { kind: "ok" };

/** No walk of the kit is longer; a verb that always says "more" is a bug, not a wait. */
export const maxPages = 200;

type Harness = Awaited<ReturnType<MakeHarness>>;

export function createBench(harness: Harness): Bench {
  const builders = createBuilders({ clock: harness.clock });
  let fences = 0;
  const bench: Bench = {
    ...builders,
    get ledger() {
      return harness.ledger;
    },
    clock: harness.clock,
    restart: () => harness.restart(),
    opened: async (wish) => valueOf(await harness.ledger.openTask(builders.openTask(wish))),
    intended: async (task, wish) =>
      valueOf(await harness.ledger.recordIntent(builders.recordIntent(task.id, wish))).lease,
    async active(task, wish, mint) {
      const lease = await bench.intended(task, wish);
      const completion = valueOf(await harness.ledger.completeMint(builders.completeMint(lease, mint)));
      expect(completion.outcome).toBe("activated");
      return completion.lease;
    },
    ended: async (task) => valueOf(await harness.ledger.endTask(endOf(task.id))),
    async dying(lease) {
      const killCause = "requested";
      valueOf(await harness.ledger.makeDue({ leaseId: lease.id, killCause, delay: millis(0), cause: operator }));
      const { leases, fence } = await bench.claim({ target: lease.target });
      const claimed = leases.find((found) => found.id === lease.id);
      if (claimed === undefined) throw new Error("the lease was not among the claimed");
      return { lease: claimed, fence };
    },
    async claim(wish = {}) {
      fences += 1;
      const command = { target: ledgerTarget, limit: 50, claim: millis(30_000), fence: `fence-${fences}`, ...wish };
      return { leases: valueOf(await harness.ledger.claimDue(command)), fence: command.fence };
    },
    judge: async ({ lease, fence }, outcome) =>
      valueOf(await harness.ledger.recordVerdict({ leaseId: lease.id, fence, outcome, jitter: 0.5 })),
    sweep: () => sweep(harness.ledger),
    lease: async (id) => present(await harness.ledger.readLease(id)),
    state: async (id) => present(await harness.ledger.readLease(id)).lease.state,
    task: async (id) => present(await harness.ledger.readTask(id)),
  };
  return bench;
}

export const endOf = (taskId: TaskId) => ({ taskId, outcome: "completed", reason: null, cause: operator }) as const;

export async function sweep(ledger: Ledger, limit = 100): Promise<void> {
  await drain(async () => valueOf(await ledger.closeOverdueTasks(limit)).more);
  await drain(async () => valueOf(await ledger.expandKillOrders(limit)).more);
}

/** Runs until it answers that nothing is left. */
export async function drain(run: () => Promise<boolean>): Promise<void> {
  for (let page = 0; page < maxPages; page += 1) {
    // oxlint-disable-next-line no-await-in-loop -- each page starts where the one before ended
    if (!(await run())) return;
  }
  throw new Error(`still more after ${maxPages} pages`);
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("not found");
  return value;
}
