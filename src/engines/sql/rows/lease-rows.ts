/**
 * Leases as rows. A row is stored only over the state that it was loaded in (compare and set); the secret's sealed
 * text and the counters go in the write in which the lease dies.
 */
import { isLive, type Lease } from "../../../domain/lease.ts";
import { isDying } from "../../../domain/lease-transition.ts";
import type { JsonObject } from "../../../kernel/canonical-json.ts";
import type { Fingerprint } from "../../../kernel/digest.ts";
import { keyOfId, leaseIdOf, tagOfId, taskIdOf, type LeaseId } from "../../../kernel/ids.ts";
import { expiryGraceMillis, idempotencyMillis } from "../../../kernel/limits.ts";
import { addMillis, epochMillis, type EpochMillis } from "../../../kernel/time.ts";
import { integer, integerOrNull, text, textOrNull, type SqlRow, type SqlValue } from "../driver.ts";
import type { Tx, View } from "../tx.ts";
import { releaseCounters } from "./counter-rows.ts";
import { columnsOf, dueAtOf, stateFrom } from "./lease-state.ts";
import { standingOfKey, type Standing } from "./standing-rows.ts";

export interface LeaseRecord {
  readonly lease: Lease;
  readonly key: number;
  readonly taskKey: number;
  readonly standing: Standing;
  /** Keys of the live counters that it takes up. */
  readonly counters: readonly number[];
  /** The claim that holds it, lapsed or not. */
  readonly fence: string | null;
  /** The claim whose verdict was recorded last: a repeat of that verdict answers the lease as it is. */
  readonly judgedFence: string | null;
  /** Entries of the intent, of the mint's completion or failure, and of the last verdict. */
  readonly intentSequence: number;
  readonly settledSequence: number | null;
  readonly judgedSequence: number | null;
}

const columns = `lease.key, lease.tag, lease.task_key, task.tag, lease.standing, lease.due_at, lease.fence,
  lease.judged_fence, lease.state, lease.state_at, lease.state_detail, lease.created_at, lease.mint_abort_at,
  lease.expires_at, lease.native_expires_at, lease.handle, lease.sealed, lease.fingerprint, lease.proven_alive,
  lease.counters, lease.intent_sequence, lease.settled_sequence, lease.judged_sequence`;
const source = "lease CROSS JOIN task ON task.key = lease.task_key";

function leaseFromRow(view: View, row: SqlRow): LeaseRecord {
  const [key, tag, taskKey, taskTag, standingKey, dueAt, fence, judgedFence, state, stateAt, stateDetail, ...rest] =
    row;
  const [createdAt, mintAbortAt, expiresAt, nativeExpiresAt, handle, sealed, fingerprint, provenAlive, ...last] = rest;
  const [counters, intentSequence, settledSequence, judgedSequence] = last;
  const standing = standingOfKey(view, integer(standingKey));
  const counterText = textOrNull(counters);
  return {
    lease: {
      id: leaseIdOf(integer(key), text(tag)),
      taskId: taskIdOf(integer(taskKey), text(taskTag)),
      ...namesOf(standing),
      createdAt: epochMillis(integer(createdAt)),
      mintAbortAt: epochMillis(integer(mintAbortAt)),
      expiresAt: epochMillis(integer(expiresAt)),
      nativeExpiresAt: epochMillis(integer(nativeExpiresAt)),
      handle: JSON.parse(text(handle)) as JsonObject,
      sealed: textOrNull(sealed),
      fingerprint: textOrNull(fingerprint) as Fingerprint | null,
      provenAlive: integer(provenAlive) === 1,
      state: stateFrom(state, stateAt, stateDetail, dueAt),
    },
    key: integer(key),
    taskKey: integer(taskKey),
    standing,
    counters: counterText === null ? noCounters : counterText.split(",").map(Number),
    fence: textOrNull(fence),
    judgedFence: textOrNull(judgedFence),
    intentSequence: integer(intentSequence),
    settledSequence: integerOrNull(settledSequence),
    judgedSequence: integerOrNull(judgedSequence),
  };
}

const noCounters: readonly number[] = [];
const counterList = (counters: readonly number[]): string | null => (counters.length === 0 ? null : counters.join(","));

const namesOf = ({ agent, issuer, template, provider, target, providerDigest, nativeExpiry }: Standing) => ({
  agent,
  issuer,
  template,
  provider,
  target,
  providerDigest,
  nativeExpiry,
});

export function findLease(view: View, id: LeaseId): LeaseRecord | undefined {
  const record = leaseOfKey(view, keyOfId(id));
  return record?.lease.id === id ? record : undefined;
}

export function leaseOfKey(view: View, key: number): LeaseRecord | undefined {
  const cached = view.cache.leases.get(key);
  if (cached !== undefined) return cached;
  return key > newestKey(view) ? undefined : selectLeases(view, "lease.key = ?", key)[0];
}

function newestKey(view: View): number {
  const { cache, sql } = view;
  cache.newestLease ??= integerOrNull(sql.get("SELECT max(key) FROM lease")?.[0] ?? null) ?? 0;
  return cache.newestLease;
}

/** Leases by a condition on the `lease` table, which may end in order and limit. */
export function selectLeases(view: View, where: string, ...values: readonly SqlValue[]): readonly LeaseRecord[] {
  return view.sql.all(`SELECT ${columns} FROM ${source} WHERE ${where}`, ...values).map((row) => {
    const record = leaseFromRow(view, row);
    view.cache.leases.set(record.key, record);
    return record;
  });
}

export function insertLease(tx: Tx, record: LeaseRecord): void {
  const { lease, key, taskKey, standing, counters, intentSequence } = record;
  const { rank, dueAt, state } = columnsOf(lease);
  tx.sql.run(
    `INSERT INTO lease (key, tag, task_key, standing, target, rank, due_at, state, created_at, mint_abort_at,
      expires_at, native_expires_at, handle, proven_alive, counters, intent_sequence)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`,
    key,
    tagOfId(lease.id),
    taskKey,
    standing.key,
    standing.targetKey,
    rank,
    dueAt,
    state,
    lease.createdAt,
    lease.mintAbortAt,
    lease.expiresAt,
    lease.nativeExpiresAt,
    JSON.stringify(lease.handle),
    counterList(counters),
    intentSequence,
  );
  tx.cache.newestLease = Math.max(newestKey(tx), key);
  tx.cache.leases.set(key, record);
  tx.tally.liveLeases += 1;
  tx.moved({ taskKey, from: null, to: lease.state.kind });
  if (dueAt !== null) tx.due(dueAt);
}

/** Stores what changed of a lease that has not been minted by this change. Its death releases what it held. */
export function storeLease(tx: Tx, before: LeaseRecord, changed: Partial<Omit<LeaseRecord, "key">>): LeaseRecord {
  const dies = isLive(before.lease.state.kind) && !isLive((changed.lease ?? before.lease).state.kind);
  return dies ? storeDeath(tx, before, { ...before, ...changed }) : storeState(tx, before, { ...before, ...changed });
}

function storeState(tx: Tx, before: LeaseRecord, next: LeaseRecord): LeaseRecord {
  const { rank, dueAt, state, stateAt, stateDetail } = columnsOf(next.lease);
  tx.sql.run(
    `UPDATE lease SET rank = ?, due_at = ?, fence = ?, state = ?, state_at = ?, state_detail = ?, judged_fence = ?,
      judged_sequence = ? WHERE key = ? AND state = ?`,
    rank,
    dueAt,
    next.fence,
    state,
    stateAt,
    stateDetail,
    next.judgedFence,
    next.judgedSequence,
    before.key,
    before.lease.state.kind,
  );
  return remember(tx, before, next);
}

/**
 * A dying lease goes into the hands of a claim, or (null) out of them. Nothing else of it changes, so that the indexes
 * which do not tell claims apart are left alone.
 */
export function storeClaim(
  tx: Tx,
  before: LeaseRecord,
  claim: { readonly fence: string | null; readonly dueAt: EpochMillis },
): LeaseRecord {
  const { lease } = before;
  if (!isDying(lease.state)) throw new Error("a claimed lease is not dying");
  const { fence, dueAt } = claim;
  tx.sql.run(
    `UPDATE lease SET due_at = ?, fence = ?, judged_fence = NULL, judged_sequence = NULL WHERE key = ? AND state = ?`,
    dueAt,
    fence,
    before.key,
    lease.state.kind,
  );
  const claimed = { ...lease, state: { ...lease.state, dueAt } };
  return remember(tx, before, { ...before, lease: claimed, fence, judgedFence: null, judgedSequence: null });
}

function storeDeath(tx: Tx, before: LeaseRecord, dead: LeaseRecord): LeaseRecord {
  const next: LeaseRecord = { ...dead, lease: { ...dead.lease, sealed: null }, counters: noCounters, fence: null };
  const { state, stateAt, stateDetail } = columnsOf(next.lease);
  tx.sql.run(
    `UPDATE lease SET due_at = NULL, fence = NULL, state = ?, state_at = ?, state_detail = ?, sealed = NULL,
      counters = NULL, settled_sequence = ?, judged_fence = ?, judged_sequence = ? WHERE key = ? AND state = ?`,
    state,
    stateAt,
    stateDetail,
    next.settledSequence,
    next.judgedFence,
    next.judgedSequence,
    before.key,
    before.lease.state.kind,
  );
  // Its provider may have to deny it until then.
  const roomUntil = state === "revoked" ? next.lease.nativeExpiresAt + expiryGraceMillis : 0;
  releaseCounters(tx, before.counters, { id: next.lease.id, roomUntil });
  const keptUntil = addMillis(tx.now, idempotencyMillis);
  tx.sql.run("UPDATE idempotency SET expires_at = ? WHERE lease_key = ?", keptUntil, before.key);
  return remember(tx, before, next);
}

/** Stores a completed mint: what the provider returned beside the new state. */
export function storeMinted(tx: Tx, before: LeaseRecord, next: LeaseRecord): LeaseRecord {
  const { rank, dueAt, state, stateAt, stateDetail } = columnsOf(next.lease);
  const { lease } = next;
  tx.sql.run(
    `UPDATE lease SET rank = ?, due_at = ?, fence = ?, state = ?, state_at = ?, state_detail = ?, expires_at = ?,
      native_expires_at = ?, handle = ?, sealed = ?, fingerprint = ?, proven_alive = ?,
      settled_sequence = ? WHERE key = ? AND state = ?`,
    rank,
    dueAt,
    next.fence,
    state,
    stateAt,
    stateDetail,
    lease.expiresAt,
    lease.nativeExpiresAt,
    JSON.stringify(lease.handle),
    lease.sealed,
    lease.fingerprint,
    lease.provenAlive ? 1 : 0,
    next.settledSequence,
    before.key,
    before.lease.state.kind,
  );
  return remember(tx, before, next);
}

export function storeCounters(tx: Tx, record: LeaseRecord, counters: readonly number[]): LeaseRecord {
  const next = { ...record, counters };
  tx.sql.run("UPDATE lease SET counters = ? WHERE key = ?", counterList(counters), record.key);
  tx.cache.leases.set(record.key, next);
  return next;
}

function remember(tx: Tx, before: LeaseRecord, next: LeaseRecord): LeaseRecord {
  const [was, is] = [before.lease.state.kind, next.lease.state.kind];
  tx.tally.liveLeases += Number(isLive(is)) - Number(isLive(was));
  tx.tally.stuckLeases += Number(is === "stuck") - Number(was === "stuck");
  if (is !== was) tx.moved({ taskKey: next.taskKey, from: was, to: is });
  const dueAt = dueAtOf(next.lease);
  if (dueAt !== null) tx.due(dueAt);
  tx.cache.leases.set(before.key, next);
  return next;
}
