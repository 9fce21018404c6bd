/** Limits: live ones are counted from the leases and tasks that hold them, rates in fixed windows that are never given back. */
import { replacedCounter, type LimitReservation } from "../../domain/limit.ts";
import { epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { Model } from "./model.ts";
import type { LeaseRow } from "./state.ts";

/** The name of the first limit that is full, null when all have room. `freed` counts as gone. */
export function fullLimit(
  model: Model,
  limits: readonly LimitReservation[],
  freed: LeaseRow | null,
  now: EpochMillis,
): string | null {
  const full = limits.find((limit) => taken(model, limit, freed, now) >= limit.max);
  return full?.limit ?? null;
}

function taken(model: Model, limit: LimitReservation, freed: LeaseRow | null, now: EpochMillis): number {
  if (limit.perSeconds !== undefined)
    return model.state.rates.get(windowOf(limit, limit.perSeconds, now).key)?.count ?? 0;
  return holdersOf(model, limit.counter, freed);
}

function holdersOf(model: Model, counter: string, freed: LeaseRow | null): number {
  let holders = 0;
  for (const row of model.state.leases.values()) {
    if (row.lease.id !== freed?.lease.id && row.counters.includes(counter)) holders += 1;
  }
  for (const row of model.state.tasks.values()) if (row.counters.includes(counter)) holders += 1;
  return holders;
}

/** Whether the lease's place may pass to what replaces it: not while what it replaced itself still lives. */
export const mayHandOn = (model: Model, { lease }: LeaseRow): boolean =>
  holdersOf(model, replacedCounter(lease.id), null) === 0;

/** Takes one of each rate and answers the live counters that the lease or task now holds. */
export function reserve(model: Model, limits: readonly LimitReservation[], now: EpochMillis): readonly string[] {
  const windows = new Map<string, EpochMillis>();
  const counters = new Set<string>();
  for (const limit of limits) {
    if (limit.perSeconds === undefined) {
      counters.add(limit.counter);
      continue;
    }
    const window = windowOf(limit, limit.perSeconds, now);
    windows.set(window.key, window.endsAt);
  }
  const { rates } = model.state;
  for (const [key, endsAt] of windows) rates.set(key, { count: (rates.get(key)?.count ?? 0) + 1, endsAt });
  return [...counters];
}

function windowOf(limit: LimitReservation, perSeconds: number, now: EpochMillis): { key: string; endsAt: EpochMillis } {
  const lengthMillis = perSeconds * 1000;
  const index = Math.floor(now / lengthMillis);
  return { key: `${limit.counter} ${perSeconds} ${index}`, endsAt: epochMillis((index + 1) * lengthMillis) };
}
