/** What leases and tasks of this shard hold in others, as their home knows it. */
import { isLive } from "../../../domain/lease.ts";
import { parseLeaseId, parseTaskId, type LeaseId } from "../../../kernel/ids.ts";
import { expiryGraceMillis } from "../../../kernel/limits.ts";
import { counterOfKey, mayHandOn } from "../rows/counter-rows.ts";
import { findLease, type LeaseRecord } from "../rows/lease-rows.ts";
import { elsewhereName, isRoom, type PlaceBack } from "../rows/owed-rows.ts";
import { findTask } from "../rows/task-rows.ts";
import type { View } from "../tx.ts";

/** Counters of other shards in which a lease may hand its place on to what replaces it. */
export function placesToHandOn(view: View, leaseId: LeaseId): readonly string[] {
  const record = findLease(view, leaseId);
  if (record === undefined || !mayHandOn(view, leaseId)) return [];
  return namesOf(view, record.counters).filter((counter) => !isRoom(counter));
}

/** Those that are still held. What this shard does not know holds nothing: its intent never came, or it is long dead. */
export const stillHeld = (view: View, places: readonly PlaceBack[]): readonly PlaceBack[] =>
  places.filter(({ counter, owner }) => isHeld(view, counter, owner));

function isHeld(view: View, counter: string, owner: string): boolean {
  const leaseId = parseLeaseId(owner);
  if (leaseId !== undefined) {
    const record = findLease(view, leaseId);
    return record !== undefined && (isRoom(counter) ? takesRoom(view, record) : holds(view, record.counters, counter));
  }
  const taskId = parseTaskId(owner);
  const record = taskId === undefined ? undefined : findTask(view, taskId);
  return record?.task.state.kind === "open" && holds(view, record.counters, counter);
}

const takesRoom = (view: View, { lease }: LeaseRecord): boolean =>
  isLive(lease.state.kind) || (lease.state.kind === "revoked" && lease.nativeExpiresAt + expiryGraceMillis > view.now);

const holds = (view: View, keys: readonly number[], counter: string): boolean => namesOf(view, keys).includes(counter);

const namesOf = (view: View, keys: readonly number[]): readonly string[] =>
  keys.flatMap((key) => elsewhereName(counterOfKey(view, key)?.name ?? "") ?? []);
