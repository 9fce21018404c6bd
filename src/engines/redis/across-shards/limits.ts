/** Limits as a script in a task's own shard is told of them: counters that it keeps itself, and others it only hears of. */
import type { LimitReservation } from "../../../domain/limit.ts";
import type { RecordIntent } from "../../../ports/ledger-commands.ts";

export interface LimitsCommand {
  readonly limits: readonly { readonly name: string; readonly counter?: string; readonly max?: number; full?: true }[];
  /** The counters that are held, here and in other shards, as the texts that the row keeps; left out where none is. */
  readonly cl?: string;
  readonly cr?: string;
}

/** Everything that counts within a task or a tree is in one shard, and so is its counter. */
export const isKeptHere = ({ counter, perSeconds }: LimitReservation): boolean =>
  perSeconds === undefined && /^(?:task|tree):/.test(counter);

const roomPrefix = "denied:";

/** Room at a target is counted like a slot, but never handed on, and given back when the credential has surely ended. */
export const roomLimit = ({ lease, capacity }: RecordIntent): readonly LimitReservation[] =>
  capacity === null ? [] : [{ limit: "capacity", counter: `${roomPrefix}${lease.target}`, max: capacity }];

const isRoom = ({ counter }: LimitReservation): boolean => counter.startsWith(roomPrefix);

/** `full` are those that other shards refused. */
export function limitsCommand(
  limits: readonly LimitReservation[],
  full: ReadonlySet<LimitReservation | null>,
): LimitsCommand {
  const live = limits.filter(({ perSeconds }) => perSeconds === undefined);
  const here = namesText(live.filter(isKeptHere));
  const elsewhere = namesText(live.filter((limit) => !isKeptHere(limit) && !isRoom(limit)));
  return {
    limits: limits.map((limit) => {
      const { limit: name, counter, max } = limit;
      if (isKeptHere(limit)) return { name, counter, max };
      return full.has(limit) ? { name, full: true } : { name };
    }),
    ...(here !== undefined && { cl: here }),
    ...(elsewhere !== undefined && { cr: elsewhere }),
  };
}

const namesText = (limits: readonly LimitReservation[]): string | undefined =>
  limits.length === 0 ? undefined : JSON.stringify([...new Set(limits.map(({ counter }) => counter))]);
