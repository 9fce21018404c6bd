/** Limits as a task's home is told of them: those that it keeps itself, and others whose place is taken elsewhere. */
import type { LimitReservation } from "../../../domain/limit.ts";
import type { RecordIntent } from "../../../ports/ledger-commands.ts";
import { elsewhere, roomCounter } from "../../sql/rows/owed-rows.ts";

/** All that counts within a task or a tree is in one shard. */
const isKeptAtHome = ({ counter }: LimitReservation): boolean => /^(?:task|tree):/.test(counter);

export const keptElsewhere = (limits: readonly LimitReservation[]): readonly LimitReservation[] =>
  limits.filter((limit) => !isKeptAtHome(limit));

/** Room at a target is counted over all shards as a place of its own. */
export const roomLimit = ({ lease, capacity }: RecordIntent): readonly LimitReservation[] =>
  capacity === null ? [] : [{ limit: "capacity", counter: roomCounter(lease.target), max: capacity }];

/**
 * In their order, so that the home refuses with the first one that is full. What was taken elsewhere counts at home
 * under another name, without a bound: its end tells the home what it owes.
 */
export const limitsAtHome = (
  limits: readonly LimitReservation[],
  reserved: { isFull(limit: LimitReservation): boolean },
): readonly LimitReservation[] =>
  limits.flatMap((given): readonly LimitReservation[] => {
    const { limit, counter, perSeconds } = given;
    if (isKeptAtHome(given)) return [given];
    if (reserved.isFull(given)) return [{ limit, counter: "full", max: 0 }];
    if (perSeconds !== undefined) return [];
    return [{ limit, counter: elsewhere(counter), max: Number.MAX_SAFE_INTEGER }];
  });
