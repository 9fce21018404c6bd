/** Group commit: what is submitted in one turn, in which order, and when it is answered. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SqliteLedger } from "../../../src/engines/node-sqlite/open.ts";
import { createCommitQueue, type QueuedVerb } from "../../../src/engines/node-sqlite/commit-queue.ts";
import { answer } from "../../../src/engines/sql/tx.ts";
import type { Task } from "../../../src/domain/task.ts";
import { maxBatchVerbs } from "../../../src/kernel/limits.ts";
import { millis } from "../../../src/kernel/time.ts";
import { createBuilders, operator, type Builders } from "../../support/builders.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { makeTemporaryFolder, openOrThrow, sqliteOptions } from "../../support/sqlite-harness.ts";
import { endOf, valueOf } from "../../kit/ledger/bench.ts";

let folder: string;
let ledger: SqliteLedger;
let builders: Builders;
let task: Task;

beforeEach(async () => {
  const clock = createManualClock();
  folder = makeTemporaryFolder();
  ledger = await openOrThrow(sqliteOptions(join(folder, "ledger.db"), clock));
  builders = createBuilders({ clock });
  task = valueOf(await ledger.openTask(builders.openTask()));
});
afterEach(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true });
});

/** How many entries another process would find on the disk. */
function countDurable(): number {
  const db = new DatabaseSync(join(folder, "ledger.db"), { readOnly: true });
  const row = db.prepare("SELECT count(*) AS entries FROM audit").get();
  db.close();
  return Number(row?.["entries"]);
}

const plannedMint = (intent: ReturnType<Builders["recordIntent"]>) => {
  const expiresAt = task.deadlineAt;
  return builders.completeMint({ ...intent.lease, expiresAt, nativeExpiresAt: expiresAt } as never);
};

describe("group commit: order", () => {
  it("an intent and its completion in one turn are applied in that order, in one commit", async () => {
    const intent = builders.recordIntent(task.id);
    const before = countDurable();
    const intended = ledger.recordIntent(intent).then((told) => ({ told, durable: countDurable() }));
    const completed = ledger.completeMint(plannedMint(intent));
    expect(countDurable()).toBe(before);
    expect(await intended).toMatchObject({ told: { kind: "ok" }, durable: before + 2 });
    expect(await completed).toMatchObject({ kind: "ok", value: { outcome: "activated" } });
  });

  it("a kill in the same turn goes first, whoever came first", async () => {
    const intent = builders.recordIntent(task.id);
    const [intended, ended] = await Promise.all([ledger.recordIntent(intent), ledger.endTask(endOf(task.id))]);
    expect(ended).toMatchObject({ kind: "ok" });
    expect(intended).toMatchObject({ conflict: { reason: "gate_closed", gate: "task_ended" } });
  });

  it("an order to kill one credential, and the claims of the workers, wait for no queue of requests", async () => {
    const intent = builders.recordIntent(task.id);
    const { lease } = valueOf(await ledger.recordIntent(intent));
    const order: string[] = [];
    const told = (name: string) => (): void => void order.push(name);
    const draft = { type: "request.refused", taskId: null, leaseId: null, cause: operator, data: {} } as const;
    const requests = Array.from({ length: 2 * maxBatchVerbs }, () => ledger.appendAudit(draft).then(told("request")));
    const kill = { leaseId: lease.id, killCause: "requested", delay: millis(0), cause: operator } as const;
    const killed = ledger.makeDue(kill).then(told("kill"));
    const claimed = ledger.claimDue({ target: lease.target, limit: 1, claim: millis(30_000), fence: "a" });
    await Promise.all([...requests, killed, claimed.then(told("claim"))]);
    expect(order.slice(0, 2)).toEqual(["kill", "claim"]);
    expect(valueOf(await claimed).map(({ id }) => id)).toEqual([lease.id]);
  });

  it("a refusal and a verb that throws harm no neighbour", async () => {
    const good = builders.recordIntent(task.id);
    const refused = builders.recordIntent(builders.ids.task());
    const wrong = builders.openTask();
    const broken = builders.recordIntent(task.id, { automaticTask: wrong });
    const [first, second, third, fourth] = await Promise.allSettled([
      ledger.recordIntent(good),
      ledger.recordIntent(refused),
      ledger.recordIntent(broken),
      ledger.completeMint(plannedMint(good)),
    ]);
    expect(first).toMatchObject({ status: "fulfilled", value: { kind: "ok" } });
    expect(second).toMatchObject({ value: { conflict: { reason: "not_found" } } });
    expect(third).toMatchObject({ status: "rejected" });
    expect(fourth).toMatchObject({ value: { kind: "ok", value: { outcome: "activated" } } });
    expect((await ledger.health()).counts).toEqual({ openTasks: 1, liveLeases: 1, stuckLeases: 0 });
  });

  it("what a throwing verb had written is gone, and the chain goes on", async () => {
    const draft = { type: "broker.started", taskId: null, leaseId: null, cause: operator } as const;
    const unwritable = { ...draft, data: { fraction: 0.5 } };
    await expect(ledger.appendAudit(unwritable)).rejects.toThrow("safe integers");
    const next = await ledger.appendAudit({ ...draft, data: {} });
    const { entries } = await ledger.listAudit({ taskId: null, after: null, limit: 10 });
    expect(next).toMatchObject({ kind: "ok", sequence: entries.length });
  });
});

describe("group commit: bounds", () => {
  const makeQueue = () => {
    const batches: (readonly QueuedVerb[])[] = [];
    const queue = createCommitQueue((batch) => {
      batches.push(batch);
      for (const verb of batch) verb.unknown("test");
    });
    return { queue, batches };
  };
  const run = () => answer(null, 0);

  it("a batch holds no more than the bound, and kills fill it first", async () => {
    const { queue, batches } = makeQueue();
    const verbs = Array.from({ length: maxBatchVerbs + 44 }, (_, index) =>
      queue.submit({ isKill: index >= maxBatchVerbs, leaseId: null, run }),
    );
    await Promise.all(verbs);
    expect(batches.map((batch) => batch.length)).toEqual([maxBatchVerbs, 44]);
    expect(batches[0]?.slice(0, 44).every((verb) => verb.isKill)).toBe(true);
  });

  it("a pair is not cut: the completion joins the batch of its intent", async () => {
    const { queue, batches } = makeQueue();
    const ids = Array.from({ length: maxBatchVerbs }, () => builders.ids.lease());
    const intents = ids.map((leaseId) => queue.submit({ isKill: false, leaseId, run }));
    const completions = ids.map((leaseId) => queue.submit({ isKill: false, leaseId, run }));
    const later = queue.submit({ isKill: false, leaseId: builders.ids.lease(), run });
    await Promise.all([...intents, ...completions, later]);
    expect(batches.map((batch) => batch.length)).toEqual([maxBatchVerbs * 2, 1]);
  });
});
