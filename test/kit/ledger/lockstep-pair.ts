/**
 * Two ledgers on two clocks that move alike: the engine under test and the model. Every verb runs on both, and what
 * they answer, what they then hold and what they wrote to audit is compared.
 */
import { expect } from "vitest";
import type { AuditCursor } from "../../../src/domain/audit-cursor.ts";
import type { AuditEntry, AuditType } from "../../../src/domain/audit-entry.ts";
import type { LeaseId, TaskId } from "../../../src/kernel/ids.ts";
import type { Answer, Ledger } from "../../../src/ports/ledger.ts";
import type { TargetState } from "../../../src/ports/ledger-views.ts";
import { broker } from "../../support/builders.ts";
import { expectChain, readAll } from "./audit.ts";
import { drain, valueOf } from "./bench.ts";
import { targetOf } from "./lockstep-world.ts";
import type { LedgerHarness } from "./harness.ts";

export interface Known {
  readonly tasks: readonly TaskId[];
  readonly leases: readonly LeaseId[];
}

export interface Pair {
  readonly engine: LedgerHarness;
  readonly model: LedgerHarness;
  /** Runs a verb on both and answers the model's word, once they agree. */
  both<T, C>(run: (ledger: Ledger) => Promise<Answer<T, C>>): Promise<Answer<T, C>>;
  /** Runs a walk on both until nothing is left; pages may be cut differently. */
  drainBoth(run: (ledger: Ledger) => Promise<Answer<{ more: boolean }, never>>): Promise<void>;
  onBoth(run: (harness: LedgerHarness) => unknown): Promise<void>;
  /** Pins "the last committed change" of both to this instant. */
  note(): Promise<void>;
}

export function createPair(engine: LedgerHarness, model: LedgerHarness): Pair {
  const readHead = () => engine.ledger.auditHead();
  const pair: Pair = {
    engine,
    model,
    async both(run) {
      const before = await readHead();
      const [answer, expected] = [await run(engine.ledger), await run(model.ledger)];
      expect(withoutSequence(answer)).toEqual(withoutSequence(expected));
      const after = await readHead();
      if (answer.kind === "conflict" && !isDelivered(answer.conflict))
        expect(after, "a refusal wrote an entry").toBe(before);
      if (answer.kind === "ok")
        expect(answer.sequence, "an answer ahead of the audit").toBeLessThanOrEqual(newestIn(after));
      return expected;
    },
    async drainBoth(run) {
      await drain(async () => valueOf(await run(engine.ledger)).more);
      await drain(async () => valueOf(await run(model.ledger)).more);
    },
    async onBoth(run) {
      await run(engine);
      await run(model);
    },
    async note() {
      const entry = { type: "broker.started", taskId: null, leaseId: null, cause: broker, data: {} } as const;
      await pair.both((ledger) => ledger.appendAudit(entry));
    },
  };
  return pair;
}

/** Of any shard. */
const newestIn = (head: AuditCursor): number => Math.max(...head.split(".").map(Number));

function withoutSequence<T, C>(answer: Answer<T, C>): unknown {
  return answer.kind === "ok" ? { kind: "ok", value: answer.value } : answer;
}

/** The one refusal that changes something: what cannot be delivered again becomes due. */
const isDelivered = (conflict: unknown): boolean =>
  typeof conflict === "object" && conflict !== null && "reason" in conflict && conflict.reason === "already_delivered";

export async function expectSame({ engine, model }: Pair, known: Known): Promise<void> {
  expect(await look(engine.ledger, known)).toEqual(await look(model.ledger, known));
}

/** What a broker sees at one instant: cheap enough to compare after every step. */
async function look(ledger: Ledger, { tasks }: Known) {
  const views = await Promise.all(tasks.map((id) => ledger.readTask(id)));
  const roots = views.flatMap((view) => (view !== undefined && view.task.parentId === null ? [view.task.id] : []));
  return {
    work: await ledger.dueWork(),
    health: await ledger.health(),
    tasks: views,
    leases: await Promise.all(roots.map((taskId) => ledger.listLeases({ taskId, after: null, limit: 200 }))),
    summaries: await Promise.all(roots.map((taskId) => ledger.summarize(taskId))),
    targets: (await ledger.listTargets()).filter(isOfNote),
    doors: (await ledger.listDoors()).toSorted((left, right) =>
      JSON.stringify(left.scope) < JSON.stringify(right.scope) ? -1 : 1,
    ),
  };
}

/** Whether an idle target that was touched once is still listed is left to the engine. */
const isOfNote = (target: TargetState): boolean => target.due > 0 || target.paused || target.breaker.kind === "open";

/** All that can be asked, once at the end of a run. */
export async function expectSameStory(pair: Pair, known: Known): Promise<void> {
  await expectSame(pair, known);
  const [engine, model] = await Promise.all([askAll(pair.engine.ledger, known), askAll(pair.model.ledger, known)]);
  expect(engine).toEqual(model);
  const [told, expected] = await Promise.all([readAll(pair.engine.ledger), readAll(pair.model.ledger)]);
  await expectChain(told);
  expect(lifeOf(told)).toEqual(lifeOf(expected));
}

async function askAll(ledger: Ledger, { tasks, leases }: Known) {
  const [first] = tasks;
  return {
    leases: await Promise.all(leases.map((id) => ledger.readLease(id))),
    summaries: await Promise.all(tasks.map((id) => ledger.summarize(id))),
    denied: await Promise.all(
      [0, 1, 2].map((index) => ledger.listDenied({ target: targetOf(index), after: null, limit: 200 })),
    ),
    stuck: await ledger.listStuck({ after: null, limit: 200 }),
    radius: await ledger.blastRadius({ kind: "all" }),
    radiusOfTask: first === undefined ? null : await ledger.blastRadius({ kind: "task", id: first }),
  };
}

/** Entries that tell what became of each credential and task; how walks report on themselves is left to the engine. */
const milestones = new Set<AuditType>([
  "task.opened",
  "task.ended",
  "lease.intended",
  "lease.activated",
  "lease.mint_failed",
  "lease.attempted",
  "lease.stuck",
  "lease.revoked",
  "lease.expired",
  "lease.reopened",
]);

function lifeOf(entries: readonly AuditEntry[]): unknown {
  const lives = Map.groupBy(
    entries.filter((entry) => milestones.has(entry.type)),
    (entry) => entry.leaseId ?? entry.taskId,
  );
  return Object.fromEntries([...lives].map(([id, life]) => [id, life.map((entry) => [entry.type, entry.at])]));
}
