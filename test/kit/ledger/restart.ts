/** State in memory is a fault: what was answered before a restart holds after it. A closed ledger promises nothing. */
import { expect } from "vitest";
import { millis } from "../../../src/kernel/time.ts";
import { agentName, broker, fingerprintOf, ledgerTarget, operator } from "../../support/builders.ts";
import { describeRows, endOf, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

async function everything(bench: Bench) {
  const { ledger } = bench;
  const page = { after: null, limit: 200 };
  const { entries: audit } = await ledger.listAudit({ taskId: null, after: null, limit: 200 });
  const taskIds = [...new Set(audit.flatMap(({ taskId }) => (taskId === null ? [] : [taskId])))];
  const views = taskIds.map((taskId) =>
    Promise.all([ledger.readTask(taskId), ledger.listLeases({ taskId, ...page }), ledger.summarize(taskId)]),
  );
  return {
    audit,
    tasks: await Promise.all(views),
    work: await ledger.dueWork(),
    health: await ledger.health(),
    targets: await ledger.listTargets(),
    doors: await ledger.listDoors(),
    stuck: await ledger.listStuck(page),
    byFingerprint: await ledger.findLease(fingerprintOf("delivered")),
    radius: await ledger.blastRadius({ kind: "all" }),
  };
}

const rows: readonly Row[] = [
  [
    "every state of every thing reads the same after a restart",
    async (bench) => {
      const task = await bench.opened({ heartbeatSeconds: 60 });
      const child = await bench.opened({ parentId: task.id });
      const ended = await bench.opened();
      await bench.intended(child);
      await bench.active(child, {}, { fingerprint: fingerprintOf("delivered"), sealed: "k1.nonce.kept" });
      await bench.judge(await bench.dying(await bench.active(task)), {
        kind: "refused",
        reason: "denied",
        fix: "grant",
      });
      await bench.judge(await bench.dying(await bench.active(task)), { kind: "dead-unverified" });
      await bench.judge(await bench.dying(await bench.active(task)), { kind: "retry", reason: "timeout" });
      await bench.dying(await bench.active(task));
      const failing = await bench.intended(task);
      valueOf(await bench.ledger.failMint({ leaseId: failing.id, reason: "quota", cause: broker }));
      await bench.active(ended);
      await bench.ended(ended);
      valueOf(
        await bench.ledger.closeDoor({
          scope: { kind: "agent", name: agentName("other") },
          reason: "drill",
          cause: operator,
        }),
      );
      valueOf(await bench.ledger.setTarget({ target: ledgerTarget, breaker: null, paused: true, cause: operator }));
      const before = await everything(bench);
      expect(before.work.sweep).toBe(true);
      await bench.restart();
      expect(await everything(bench)).toEqual(before);
    },
  ],
  [
    "a mint in flight is completed by the next process, or killed by it",
    async (bench) => {
      const task = await bench.opened();
      const [completed, forgotten] = [await bench.intended(task), await bench.intended(task)];
      await bench.restart();
      expect(valueOf(await bench.ledger.completeMint(bench.completeMint(completed))).outcome).toBe("activated");
      bench.clock.advance(60_000);
      expect((await bench.claim()).leases.map((lease) => lease.id)).toEqual([forgotten.id]);
    },
  ],
  [
    "a claim holds over a restart, and its verdict counts",
    async (bench) => {
      const claimed = await bench.dying(await bench.active(await bench.opened()));
      await bench.restart();
      expect((await bench.claim()).leases).toEqual([]);
      expect((await bench.judge(claimed, { kind: "dead-unverified" })).state.kind).toBe("revoked");
    },
  ],
  [
    "repeats are recognised over a restart",
    async (bench) => {
      const opening = bench.openTask();
      const opened = await bench.ledger.openTask(opening);
      const intending = bench.recordIntent(opening.task.id);
      const intended = await bench.ledger.recordIntent(intending);
      await bench.restart();
      expect(await bench.ledger.openTask(opening)).toEqual(opened);
      expect(await bench.ledger.recordIntent(intending)).toEqual(intended);
      const completing = bench.completeMint(valueOf(intended).lease);
      const completed = await bench.ledger.completeMint(completing);
      await bench.restart();
      expect(await bench.ledger.completeMint(completing)).toEqual(completed);
      const ending = endOf(opening.task.id);
      const ended = await bench.ledger.endTask(ending);
      await bench.restart();
      expect(await bench.ledger.endTask(ending)).toEqual(ended);
    },
  ],
  [
    "a verb after close is unknown, and did not happen",
    async (bench) => {
      const task = await bench.opened();
      const closed = bench.ledger;
      await closed.close();
      const unknown = { kind: "unknown" };
      expect(await closed.endTask(endOf(task.id))).toMatchObject(unknown);
      expect(await closed.recordIntent(bench.recordIntent(task.id))).toMatchObject(unknown);
      const claim = { target: ledgerTarget, limit: 1, claim: millis(1), fence: "late" };
      expect(await closed.claimDue(claim)).toMatchObject(unknown);
      await bench.restart();
      expect((await bench.task(task.id)).task).toEqual(task);
      expect(await bench.ledger.summarize(task.id)).toMatchObject({ live: 0, dead: 0 });
    },
  ],
];

export function describeRestart(make: MakeHarness): void {
  describeRows("restart", make, rows);
}
