/** The intent: every check first, then one write. Without this record no mint may start (promise P1). */
import { isLive, type Lease } from "../../../domain/lease.ts";
import { replacedCounter } from "../../../domain/limit.ts";
import type { Task } from "../../../domain/task.ts";
import { keyOfId, type LeaseId } from "../../../kernel/ids.ts";
import { replacedGraceMillis } from "../../../kernel/limits.ts";
import { addMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { IntentConflict, IntentRecorded, RecordIntent } from "../../../ports/ledger-commands.ts";
import { gateBehind } from "../gate.ts";
import { makeRecordDue } from "../lease-moves.ts";
import {
  checkLimits,
  isRoomElsewhere,
  mayHandOn,
  releaseCounters,
  takeCounter,
  takeLimits,
  type Reservation,
} from "../rows/counter-rows.ts";
import { isFull, takeRoom } from "../rows/denial-rows.ts";
import { findLease, insertLease, leaseOfKey, storeCounters, type LeaseRecord } from "../rows/lease-rows.ts";
import { checkIdempotency, isReplayed, storeIdempotency, storeReplay } from "../rows/marker-rows.ts";
import { internStanding, taskNames, type Standing } from "../rows/standing-rows.ts";
import { findTask, taskOfKey, type TaskRecord } from "../rows/task-rows.ts";
import { isKillPathBroken } from "../target-work.ts";
import { answer, conflict, type Tx } from "../tx.ts";
import { checkOpening, writeOpening, type Opening } from "./open-task.ts";

type IntentAnswer = Answer<IntentRecorded, IntentConflict>;
type Allowed = Extract<Opening, { kind: "allowed" }>;

/** What the checks found, for the write. */
interface Found {
  /** Null while the automatic task is not opened. */
  readonly record: TaskRecord | null;
  readonly opening: Allowed | null;
  readonly task: Task;
  readonly standing: Standing;
  readonly replaced: LeaseRecord | null;
  readonly reservation: Extract<Reservation, { kind: "free" }>;
}

/** As a ledger over many shards asks for it, whose used tokens are kept elsewhere. */
export interface ShardIntent extends RecordIntent {
  readonly replayedElsewhere?: boolean;
}

export function recordIntent(tx: Tx, command: ShardIntent): IntentAnswer {
  const existing = leaseOfKey(tx, keyOfId(command.lease.id));
  if (existing !== undefined) return repeatIntent(tx, existing, command);
  if (tx.suspended !== null) return conflict({ reason: "suspended", why: tx.suspended });
  const found = check(tx, command);
  return "reason" in found ? conflict(found) : write(tx, command, found);
}

function repeatIntent(tx: Tx, existing: LeaseRecord, command: RecordIntent): IntentAnswer {
  const { lease } = existing;
  const { handle: _, ...asked } = command.lease;
  const isRepeat = Object.entries(asked).every(([name, value]) => lease[name as keyof typeof asked] === value);
  if (!isRepeat) return conflict({ reason: "id_taken" });
  const record = taskOfKey(tx, existing.taskKey);
  if (record === undefined) throw new Error("a lease outlived its task");
  return answer({ lease, task: record.task }, existing.intentSequence);
}

/** The order of the checks is part of the contract: the first that fails is the answer. */
function check(tx: Tx, command: ShardIntent): Found | IntentConflict {
  const { lease, replay, idempotency } = command;
  const named = findNamedTask(tx, command);
  if ("reason" in named) return named;
  const { task } = named;
  const replaced = command.replaces === null ? null : findLease(tx, command.replaces);
  if (replaced === undefined || (replaced !== null && replaced.lease.taskId !== task.id))
    return { reason: "not_found" };

  const standing = internStanding(tx, lease, taskNames(task));
  const chainHead = named.record ?? {
    task,
    key: 0,
    parentKey: null,
    counters: [],
    openedSequence: 0,
    endedSequence: null,
  };
  const gate = gateBehind(tx, chainHead, standing.doorKeys);
  if (gate.kind === "closed") return { reason: "gate_closed", gate: gate.reason };
  if (command.replayedElsewhere === true || (replay !== null && isReplayed(tx, replay))) return { reason: "replayed" };
  const repeated = idempotency === null ? null : checkIdempotency(tx, idempotency, command.cause);
  if (repeated !== null) return repeated;
  if (command.demandKillPath && isKillPathBroken(tx, lease.target))
    return { reason: "kill_path_broken", target: lease.target };
  const freed = replaced !== null && mayHandOn(tx, replaced.lease.id) ? replaced.counters : [];
  const reservation = checkLimits(tx, command.limits, freed);
  if (reservation.kind === "full") return { reason: "limit_reached", limit: reservation.limit };
  if (command.capacity !== null && isFull(tx, standing.targetKey, command.capacity))
    return { reason: "limit_reached", limit: "capacity" };
  return { ...named, standing, replaced, reservation };
}

type Named = Pick<Found, "record" | "opening" | "task">;

/** The named task, or the one that this exchange would open. */
function findNamedTask(tx: Tx, command: RecordIntent): Named | IntentConflict {
  const opening = command.automaticTask;
  const { taskId } = command.lease;
  if (opening === null) {
    const record = findTask(tx, taskId);
    return record === undefined ? { reason: "not_found" } : { record, opening: null, task: record.task };
  }
  if (opening.task.id !== taskId) throw new Error("the lease names another task than the one it opens");
  if (taskOfKey(tx, keyOfId(taskId)) !== undefined) return { reason: "id_taken" };
  const allowed = checkOpening(tx, opening);
  if (allowed.kind === "allowed") return { record: null, opening: allowed, task: allowed.task };
  if (allowed.reason.reason === "too_deep") throw new Error("an automatic task has no parent");
  return allowed.reason;
}

function write(tx: Tx, command: RecordIntent, found: Found): IntentAnswer {
  const { cause, idempotency, replay, automaticTask } = command;
  const { task, standing, replaced, opening, reservation } = found;
  if (automaticTask !== null && opening !== null) writeOpening(tx, automaticTask, opening);
  const lease = draftLease(tx, command);
  const { id: leaseId, taskId, template, target, handle } = lease;
  const data = { expires_at: lease.expiresAt, handle, target, template };
  const intentSequence = tx.audit({ type: "lease.intended", taskId, leaseId, cause, data });
  const counters = takeLimits(tx, reservation);
  const key = keyOfId(leaseId);
  insertLease(tx, {
    lease,
    key,
    taskKey: keyOfId(taskId),
    standing,
    counters,
    fence: null,
    judgedFence: null,
    intentSequence,
    settledSequence: null,
    judgedSequence: null,
  });
  if (command.capacity !== null) takeRoom(tx, standing.targetKey, key);
  if (replay !== null) storeReplay(tx, replay);
  if (idempotency !== null) storeIdempotency(tx, idempotency, key);
  if (replaced !== null) replace(tx, replaced, { leaseId, counters, cause });
  return answer({ lease, task }, intentSequence);
}

function draftLease(tx: Tx, command: RecordIntent): Lease {
  return {
    ...command.lease,
    createdAt: tx.now,
    mintAbortAt: addMillis(tx.now, command.mintTimeout),
    expiresAt: addMillis(tx.now, command.ttl),
    nativeExpiresAt: addMillis(tx.now, command.worstCaseTtl),
    sealed: null,
    fingerprint: null,
    provenAlive: false,
    state: { kind: "intended" },
  };
}

interface Taker {
  readonly leaseId: LeaseId;
  readonly counters: readonly number[];
  readonly cause: RecordIntent["cause"];
}

function replace(tx: Tx, replaced: LeaseRecord, taker: Taker): void {
  if (!isLive(replaced.lease.state.kind)) return;
  const kept = mayHandOn(tx, replaced.lease.id) ? handOn(tx, replaced, taker) : replaced;
  const dueAt = addMillis(tx.now, replacedGraceMillis);
  makeRecordDue(tx, kept, { killCause: "replaced", orderedAt: tx.now, dueAt, cause: taker.cause });
}

/** The counters that the new lease took are its own now; the old lease keeps the others until it dies. */
function handOn(tx: Tx, replaced: LeaseRecord, { leaseId, counters }: Taker): LeaseRecord {
  const isHandedOver = (counter: number): boolean => counters.includes(counter) && !isRoomElsewhere(tx, counter);
  const handedOver = replaced.counters.filter(isHandedOver);
  if (handedOver.length === 0) return replaced;
  const rest = replaced.counters.filter((counter) => !isHandedOver(counter));
  const kept = storeCounters(tx, replaced, [...rest, takeCounter(tx, replacedCounter(leaseId))]);
  releaseCounters(tx, handedOver, { id: replaced.lease.id, roomUntil: 0 });
  return kept;
}
