/** Time: the ledger's clock never goes back, a step suspends issuing but no kill, and silence while down is forgiven once. */
import { expect } from "vitest";
import { expiryGraceMillis, maxClockStepMillis, shortestDowntimeMillis } from "../../../src/kernel/limits.ts";
import { addMillis, millis } from "../../../src/kernel/time.ts";
import { broker, ledgerTarget, operator } from "../../support/builders.ts";
import { accepted, describeRows, endOf, refused, valueOf, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const suspended = refused("suspended", { why: "clock_suspect" });
const step = maxClockStepMillis + 1;

const clocks: readonly Row[] = [
  [
    "never goes back, over a restart too",
    async (bench) => {
      const before = await bench.opened();
      bench.clock.jumpWall(-30_000);
      expect((await bench.opened()).openedAt).toBe(before.openedAt);
      await bench.restart();
      expect((await bench.ledger.health()).now).toBe(before.openedAt);
      bench.clock.advance(30_500);
      expect((await bench.opened()).openedAt).toBe(before.openedAt + 500);
    },
  ],
  ...([step, -step] as const).map((jump): Row => [
    `a step of ${jump > 0 ? "more" : "less"} than the bound suspends issuing, until it is gone`,
    async (bench) => {
      const task = await bench.opened();
      const command = bench.openTask();
      valueOf(await bench.ledger.openTask(command));
      bench.clock.jumpWall(jump);
      expect((await bench.ledger.health()).suspended).toBe("clock_suspect");
      expect(await bench.ledger.openTask(bench.openTask())).toEqual(suspended);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toEqual(suspended);
      expect(await bench.ledger.openTask(command)).toMatchObject(accepted);
      bench.clock.jumpWall(-jump);
      expect((await bench.ledger.health()).suspended).toBeNull();
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(accepted);
    },
  ]),
  ...([maxClockStepMillis, -maxClockStepMillis] as const).map((jump): Row => [
    `a step of ${jump} ms is within the bound`,
    async (bench) => {
      const task = await bench.opened();
      bench.clock.jumpWall(jump);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(accepted);
      expect((await bench.ledger.health()).suspended).toBeNull();
    },
  ]),
  [
    "an operator accepts the wall as it is",
    async (bench) => {
      const task = await bench.opened();
      bench.clock.jumpWall(step);
      valueOf(await bench.ledger.acceptClock(operator));
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(accepted);
      bench.clock.jumpWall(-step);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toEqual(suspended);
    },
  ],
  [
    "a wall far behind the last change is suspect from the start, until it is accepted",
    async (bench) => {
      const task = await bench.opened();
      bench.clock.jumpWall(-step);
      await bench.restart();
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toEqual(suspended);
      valueOf(await bench.ledger.acceptClock(operator));
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(accepted);
    },
  ],
  [
    "kills go on while the clock is suspect",
    async (bench) => {
      const task = await bench.opened();
      const [killed, inFlight] = [await bench.active(task), await bench.intended(task)];
      bench.clock.jumpWall(-step);
      expect(await bench.ledger.endTask(endOf(task.id))).toMatchObject(accepted);
      expect(valueOf(await bench.ledger.completeMint(bench.completeMint(inFlight))).outcome).toBe("closed");
      await bench.sweep();
      const { leases, fence } = await bench.claim();
      expect(leases).toHaveLength(2);
      expect((await bench.judge({ lease: killed, fence }, { kind: "dead-unverified" })).state.kind).toBe("revoked");
      expect(await bench.ledger.closeDoor({ scope: { kind: "all" }, reason: "drill", cause: operator })).toMatchObject(
        accepted,
      );
    },
  ],
  [
    "natural expiry waits while the clock is suspect",
    async (bench) => {
      const lease = await bench.active(await bench.opened(), { lease: { nativeExpiry: "full" } });
      bench.clock.jumpWall(lease.nativeExpiresAt + expiryGraceMillis - bench.clock.now());
      const { fence } = await bench.claim({ claim: millis(600_000) });
      const outcome = { kind: "native_expiry" } as const;
      const command = { leaseId: lease.id, fence, outcome, jitter: 0 };
      expect(await bench.ledger.recordVerdict(command)).toEqual(suspended);
      expect(await bench.state(lease.id)).toMatchObject({ kind: "revoking" });
      valueOf(await bench.ledger.acceptClock(operator));
      expect(valueOf(await bench.ledger.recordVerdict(command)).state.kind).toBe("expired");
    },
  ],
  [
    "a mint that ends while the clock is suspect is taken to live as long as its intent said it could",
    async (bench) => {
      const task = await bench.opened();
      const intent = await bench.intended(task, { lease: { nativeExpiry: "full" } });
      bench.clock.jumpWall(-step);
      const nativeExpiresAt = addMillis(bench.clock.now(), 1_000);
      const { lease } = valueOf(await bench.ledger.completeMint(bench.completeMint(intent, { nativeExpiresAt })));
      expect(lease.nativeExpiresAt).toBe(intent.nativeExpiresAt);
    },
  ],
  [
    "a ledger that a wrong wall drove ahead does not expire what lives on",
    async (bench) => {
      const lease = await bench.active(await bench.opened(), { lease: { nativeExpiry: "full" } });
      const ahead = lease.nativeExpiresAt + expiryGraceMillis - bench.clock.now();
      bench.clock.jumpWall(ahead);
      const { fence } = await bench.claim({ claim: millis(600_000) });
      bench.clock.jumpWall(-ahead);
      valueOf(await bench.ledger.acceptClock(operator));
      const command = { leaseId: lease.id, fence, outcome: { kind: "native_expiry" } as const, jitter: 0 };
      expect(await bench.ledger.recordVerdict(command)).toEqual(suspended);
      bench.clock.advance(ahead);
      expect(valueOf(await bench.ledger.recordVerdict(command)).state.kind).toBe("expired");
    },
  ],
];

const lapses: readonly Row[] = [
  [
    "a deadline and a lost heartbeat end the task at their own instant, whenever they are found",
    async (bench) => {
      const late = await bench.opened({ deadlineSeconds: 60 });
      const silent = await bench.opened({ deadlineSeconds: 60, heartbeatSeconds: 20 });
      const alive = await bench.opened();
      const lease = await bench.active(silent);
      bench.clock.advance(90_000);
      expect((await bench.ledger.dueWork()).sweep).toBe(true);
      expect(valueOf(await bench.ledger.closeOverdueTasks(10))).toEqual({ closed: 2, more: false });
      await bench.sweep();
      const lateEnd = { kind: "ended", outcome: "deadline", reason: null, endedAt: late.deadlineAt };
      expect((await bench.task(late.id)).task.state).toEqual(lateEnd);
      const silentAt = silent.openedAt + 20_000;
      expect((await bench.task(silent.id)).task.state).toMatchObject({ outcome: "heartbeat_lost", endedAt: silentAt });
      expect((await bench.task(alive.id)).task.state).toEqual({ kind: "open" });
      expect(await bench.state(lease.id)).toMatchObject({
        cause: "task_ended",
        killOrderedAt: silentAt,
        dueAt: silentAt,
      });
    },
  ],
  [
    "ends overdue tasks in pages",
    async (bench) => {
      await Promise.all([0, 1, 2].map(() => bench.opened({ deadlineSeconds: 10 })));
      expect(valueOf(await bench.ledger.closeOverdueTasks(2))).toEqual({ closed: 0, more: false });
      bench.clock.advance(10_000);
      expect(valueOf(await bench.ledger.closeOverdueTasks(2))).toEqual({ closed: 2, more: true });
      expect(valueOf(await bench.ledger.closeOverdueTasks(2))).toEqual({ closed: 1, more: false });
      expect((await bench.ledger.health()).counts.openTasks).toBe(0);
    },
  ],
];

const downtime: readonly Row[] = [
  [
    "silence while the broker was down is forgiven for one interval from its return",
    async (bench) => {
      const task = await bench.opened({ heartbeatSeconds: 20 });
      bench.clock.advance(50_000);
      await bench.restart();
      expect((await bench.task(task.id)).gate).toEqual({ kind: "open" });
      expect(valueOf(await bench.ledger.closeOverdueTasks(10)).closed).toBe(0);
      bench.clock.advance(19_999);
      expect(valueOf(await bench.ledger.heartbeat({ taskId: task.id, cause: broker })).heartbeat?.dueAt).toBe(
        bench.clock.now() + 20_000,
      );
      const { entries } = await bench.ledger.listAudit({ taskId: task.id, after: null, limit: 10 });
      expect(entries.map((entry) => entry.type)).toContain("task.heartbeat_graced");
    },
  ],
  [
    "a sweep writes the grace down, once, and it outlives a further restart",
    async (bench) => {
      const task = await bench.opened({ heartbeatSeconds: 20 });
      bench.clock.advance(50_000);
      await bench.restart();
      expect((await bench.ledger.dueWork()).sweep).toBe(true);
      await bench.sweep();
      const dueAt = bench.clock.now() + 20_000;
      expect((await bench.task(task.id)).task.heartbeat?.dueAt).toBe(dueAt);
      expect(await bench.ledger.dueWork()).toMatchObject({ sweep: false, nextAt: dueAt });
      bench.clock.advance(1000);
      await bench.restart();
      expect((await bench.task(task.id)).gate).toEqual({ kind: "open" });
      bench.clock.advance(19_000);
      expect((await bench.task(task.id)).gate).toMatchObject({ kind: "closed", reason: "heartbeat_lost" });
    },
  ],
  [
    "a wall that steps back neither takes a written grace away nor gives another",
    async (bench) => {
      const task = await bench.opened({ heartbeatSeconds: 20 });
      bench.clock.advance(23_000);
      await bench.restart();
      await bench.sweep();
      bench.clock.jumpWall(-40_000);
      await bench.restart();
      expect((await bench.task(task.id)).task.heartbeat?.dueAt).toBe(task.openedAt + 43_000);
      expect((await bench.task(task.id)).gate).toEqual({ kind: "open" });
      bench.clock.advance(59_999);
      expect((await bench.task(task.id)).gate).toEqual({ kind: "open" });
      bench.clock.advance(1);
      expect((await bench.task(task.id)).gate).toMatchObject({ kind: "closed", reason: "heartbeat_lost" });
    },
  ],
  [
    "a start that follows at once takes no grace away",
    async (bench) => {
      const task = await bench.opened({ heartbeatSeconds: 20 });
      bench.clock.advance(50_000);
      await bench.restart();
      valueOf(await bench.ledger.acceptClock(operator));
      bench.clock.advance(shortestDowntimeMillis);
      await bench.restart();
      expect((await bench.task(task.id)).gate).toEqual({ kind: "open" });
      bench.clock.advance(18_000);
      expect((await bench.task(task.id)).gate).toMatchObject({ kind: "closed", reason: "heartbeat_lost" });
    },
  ],
  [
    "and no longer",
    async (bench) => {
      const task = await bench.opened({ heartbeatSeconds: 20 });
      bench.clock.advance(50_000);
      await bench.restart();
      bench.clock.advance(20_000);
      expect((await bench.task(task.id)).gate).toMatchObject({ kind: "closed", reason: "heartbeat_lost" });
      expect(valueOf(await bench.ledger.closeOverdueTasks(10)).closed).toBe(1);
    },
  ],
  [
    "silence from before the downtime is not forgiven, nor a downtime shorter than the interval",
    async (bench) => {
      const silent = await bench.opened({ heartbeatSeconds: 20 });
      bench.clock.advance(25_000);
      const young = await bench.opened({ heartbeatSeconds: 10 });
      bench.clock.advance(9000);
      await bench.restart();
      bench.clock.advance(1000);
      expect((await bench.task(silent.id)).gate).toMatchObject({ reason: "heartbeat_lost" });
      expect((await bench.task(young.id)).gate).toMatchObject({ reason: "heartbeat_lost" });
    },
  ],
  [
    "a deadline that passed while the broker was down has passed",
    async (bench) => {
      const task = await bench.opened({ deadlineSeconds: 30 });
      bench.clock.advance(50_000);
      await bench.restart();
      expect((await bench.task(task.id)).gate).toMatchObject({ kind: "closed", reason: "deadline" });
    },
  ],
];

const work: readonly Row[] = [
  [
    "an idle ledger has nothing due, ever",
    async (bench) => {
      const idle = { now: bench.clock.now(), targets: [], sweep: false, nextAt: null };
      expect(await bench.ledger.dueWork()).toEqual(idle);
    },
  ],
  [
    "names the next instant: intent, heartbeat, bound, deadline, claim's end",
    async (bench) => {
      const task = await bench.opened({ deadlineSeconds: 600 });
      expect((await bench.ledger.dueWork()).nextAt).toBe(task.deadlineAt);
      const beating = await bench.opened({ heartbeatSeconds: 500 });
      expect((await bench.ledger.dueWork()).nextAt).toBe(beating.openedAt + 500_000);
      const lease = await bench.intended(task, { ttlSeconds: 300, mintTimeoutSeconds: 10 });
      expect((await bench.ledger.dueWork()).nextAt).toBe(lease.mintAbortAt + 2000);
      valueOf(await bench.ledger.completeMint(bench.completeMint(lease)));
      expect((await bench.ledger.dueWork()).nextAt).toBe(lease.expiresAt);
      bench.clock.advance(300_000);
      const breaker = { kind: "closed" };
      const due = { target: ledgerTarget, oldestDueAt: lease.expiresAt, breaker };
      expect((await bench.ledger.dueWork()).targets).toEqual([due]);
      await bench.claim({ claim: millis(30_000) });
      const claimed = { targets: [], sweep: false, nextAt: bench.clock.now() + 30_000 };
      expect(await bench.ledger.dueWork()).toMatchObject(claimed);
    },
  ],
  [
    "asks for a sweep from an end until its order is walked",
    async (bench) => {
      const task = await bench.opened();
      await bench.active(task);
      await bench.ended(task);
      expect(await bench.ledger.dueWork()).toMatchObject({ sweep: true, targets: [] });
      await bench.sweep();
      expect(await bench.ledger.dueWork()).toMatchObject({
        sweep: false,
        targets: [{ oldestDueAt: bench.clock.now() }],
      });
    },
  ],
  [
    "rings when something falls due sooner",
    async (bench) => {
      const rung: number[] = [];
      bench.ledger.onDue((dueAt) => rung.push(dueAt));
      const task = await bench.opened();
      await bench.active(task);
      rung.length = 0;
      await bench.ended(task);
      expect(rung).toContain(bench.clock.now());
    },
  ],
];

export function describeTime(make: MakeHarness): void {
  describeRows("time: the ledger's clock", make, clocks);
  describeRows("time: lapses", make, lapses);
  describeRows("time: downtime", make, downtime);
  describeRows("time: due work", make, work);
}
