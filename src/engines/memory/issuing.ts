/** The intent: every check first, then one write. Without this record no mint may start (promise P1). */
import { isLive, type Lease } from "../../domain/lease.ts";
import { replacedCounter } from "../../domain/limit.ts";
import type { Task } from "../../domain/task.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import { replacedGraceMillis } from "../../kernel/limits.ts";
import { addMillis, type EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { IntentConflict, IntentRecorded, RecordIntent } from "../../ports/ledger-commands.ts";
import { isFull } from "./denials.ts";
import { makeRowDue } from "./lease-row.ts";
import { fullLimit, mayHandOn, reserve } from "./limits.ts";
import { conflict, notFound, ok, record, type Model } from "./model.ts";
import { checkIdempotency, isReplayed, replayKey } from "./markers.ts";
import { same } from "./same.ts";
import { leaseGate, taskOf } from "./standing.ts";
import type { LeaseRow } from "./state.ts";
import { checkOpening, draftTask, writeTask } from "./tasks.ts";
import { isKillPathBroken } from "./targets.ts";

type IntentAnswer = Answer<IntentRecorded, IntentConflict>;

export function recordIntent(model: Model, command: RecordIntent): IntentAnswer {
  const now = model.time.now();
  const existing = model.state.leases.get(command.lease.id);
  if (existing !== undefined) return repeatIntent(model, existing, command);
  if (model.time.isSuspect()) return conflict({ reason: "suspended", why: "clock_suspect" });

  const task = findTask(model, command, now);
  if ("reason" in task) return conflict(task);
  const replaced = command.replaces === null ? null : model.state.leases.get(command.replaces);
  if (replaced === undefined || (replaced !== null && replaced.lease.taskId !== task.id)) return notFound;

  const refusal = checkIntent(model, command, task, replaced, now);
  return refusal === null ? writeIntent(model, command, task, replaced, now) : conflict(refusal);
}

function repeatIntent(model: Model, existing: LeaseRow, command: RecordIntent): IntentAnswer {
  const { lease } = existing;
  const { taskId, agent, issuer, template, provider, target, providerDigest, nativeExpiry } = lease;
  const names = { taskId, agent, issuer, template, provider, target, providerDigest, nativeExpiry };
  if (!same({ ...command.lease, ...names }, command.lease)) return conflict({ reason: "id_taken" });
  return ok({ lease, task: taskOf(model.state, lease) }, existing.intendedSequence);
}

/** The named task, or the one that this exchange would open. */
function findTask(model: Model, command: RecordIntent, now: EpochMillis): Task | IntentConflict {
  const opening = command.automaticTask;
  const row = model.state.tasks.get(command.lease.taskId);
  if (opening === null) return row?.task ?? { reason: "not_found" };
  if (opening.task.id !== command.lease.taskId) throw new Error("the lease names another task than the one it opens");
  if (row !== undefined) return { reason: "id_taken" };
  const refusal = checkOpening(model, opening, now);
  if (refusal === null) return draftTask(model, opening, now);
  if (refusal.reason === "too_deep") throw new Error("an automatic task has no parent");
  return refusal;
}

function checkIntent(
  model: Model,
  command: RecordIntent,
  task: Task,
  replaced: LeaseRow | null,
  now: EpochMillis,
): IntentConflict | null {
  const { lease } = command;
  const gate = leaseGate(model, lease, task, now);
  if (gate.kind === "closed") return { reason: "gate_closed", gate: gate.reason };
  if (command.replay !== null && isReplayed(model, command.replay)) return { reason: "replayed" };
  const repeated =
    command.idempotency === null ? null : checkIdempotency(model, command.idempotency, command.cause, now);
  if (repeated !== null) return repeated;
  if (command.demandKillPath && isKillPathBroken(model, lease.target, now))
    return { reason: "kill_path_broken", target: lease.target };
  const limit = fullLimit(model, command.limits, freedBy(model, replaced), now);
  if (limit !== null) return { reason: "limit_reached", limit };
  const { capacity } = command;
  const hasRoom = capacity === null || !isFull(model, lease.target, capacity, now);
  return hasRoom ? null : { reason: "limit_reached", limit: "capacity" };
}

function writeIntent(
  model: Model,
  command: RecordIntent,
  task: Task,
  replaced: LeaseRow | null,
  now: EpochMillis,
): IntentAnswer {
  const { cause, idempotency, replay, automaticTask } = command;
  const { leases } = model.state;
  if (automaticTask !== null) writeTask(model, automaticTask, now);
  const lease = draftLease(command, now);
  const { id, taskId, template, target } = lease;
  const data = { template, target, handle: lease.handle, expires_at: lease.expiresAt };
  const intendedSequence = record(model, { type: "lease.intended", taskId, leaseId: id, cause, data }, now);
  const counters = reserve(model, command.limits, now);
  const isDeniable = command.capacity !== null;
  leases.set(id, { lease, intendedSequence, settledSequence: null, counters, isDeniable, claim: null, judged: null });
  if (replay !== null) {
    const { requestDigest, expiresAt } = replay;
    model.state.replays.set(replayKey(replay), { requestDigest, expiresAt });
  }
  if (idempotency !== null) {
    const { requestDigest } = idempotency;
    model.state.idempotency.set(idempotency.key, { requestDigest, leaseId: id });
  }
  if (replaced !== null && isLive(replaced.lease.state.kind)) {
    const kept = handOn(model, replaced, { id, counters });
    leases.set(kept.lease.id, kept);
    const dueAt = addMillis(now, replacedGraceMillis);
    makeRowDue(model, kept, { killCause: "replaced", orderedAt: now, dueAt, cause }, now);
  }
  return ok({ lease, task }, intendedSequence);
}

const freedBy = (model: Model, replaced: LeaseRow | null): LeaseRow | null =>
  replaced !== null && mayHandOn(model, replaced) ? replaced : null;

/** The old lease after its places went to the new one. */
function handOn(model: Model, old: LeaseRow, taker: { id: LeaseId; counters: readonly string[] }): LeaseRow {
  const rest = old.counters.filter((counter) => !taker.counters.includes(counter));
  const isHandedOn = rest.length < old.counters.length && mayHandOn(model, old);
  return isHandedOn ? { ...old, counters: [...rest, replacedCounter(taker.id)] } : old;
}

function draftLease(command: RecordIntent, now: EpochMillis): Lease {
  return {
    ...command.lease,
    createdAt: now,
    mintAbortAt: addMillis(now, command.mintTimeout),
    expiresAt: addMillis(now, command.ttl),
    nativeExpiresAt: addMillis(now, command.worstCaseTtl),
    sealed: null,
    fingerprint: null,
    provenAlive: false,
    state: { kind: "intended" },
  };
}
