/**
 * Limits hold at every entry: live leases and open intents never exceed what the intent was told to reserve. Of entries in
 * several shards nobody knows which came first: what seems too many there must have been put right within the step.
 */
import type { AuditEntry } from "../../../src/domain/audit-entry.ts";
import type { RecordIntent } from "../../../src/ports/ledger-commands.ts";
import type { JournalState } from "./journal.ts";
import { Violation } from "./violation.ts";

/** Judges one recorded intent and answers the live counters that it holds from now on. */
export function checkIntent(state: JournalState, intent: RecordIntent, entry: AuditEntry): ReadonlySet<string> {
  const counters = new Set<string>();
  for (const { perSeconds, counter } of intent.limits) if (perSeconds === undefined) counters.add(counter);
  takeOver(state, intent, counters);
  for (const { counter, max, perSeconds, limit } of intent.limits) {
    const taken = perSeconds === undefined ? holders(state, counter) : minted(state, counter, perSeconds, entry.at);
    if (taken < max) continue;
    const doubt = { limit, counter, max, entry };
    if (perSeconds !== undefined || isOfOneShard(state, counter, entry.shard)) throw exceeded(doubt, taken);
    state.doubts.push(doubt);
  }
  const windows = new Set<string>();
  for (const { counter, perSeconds } of intent.limits)
    if (perSeconds !== undefined) windows.add(windowOf(counter, perSeconds, entry.at));
  for (const window of windows) state.rates.set(window, (state.rates.get(window) ?? 0) + 1);
  checkReplay(state, intent, entry);
  return counters;
}

export interface Doubt {
  readonly limit: string;
  readonly counter: string;
  readonly max: number;
  readonly entry: AuditEntry;
}

const exceeded = ({ limit, ...facts }: Doubt, taken: number): Violation =>
  new Violation("limits", `${limit} is exceeded`, { ...facts, taken });

const isOfOneShard = ({ leases }: JournalState, counter: string, shard: number): boolean =>
  [...leases.values()].every((story) => story.shard === shard || !story.counters.has(counter));

/** After all that is known was read. */
export function judgeDoubts(state: JournalState): void {
  for (const doubt of state.doubts.splice(0)) {
    const taken = holders(state, doubt.counter);
    if (taken > doubt.max) throw exceeded(doubt, taken);
  }
}

/** What is replaced is not counted twice, as long as what it replaced itself is dead. */
function takeOver(state: JournalState, intent: RecordIntent, counters: ReadonlySet<string>): void {
  const replaced = intent.replaces === null ? undefined : state.leases.get(intent.replaces);
  if (replaced === undefined || holders(state, `place handed to ${intent.replaces}`) > 0) return;
  const rest = [...replaced.counters].filter((counter) => !counters.has(counter));
  if (rest.length < replaced.counters.size)
    replaced.counters = new Set([...rest, `place handed to ${intent.lease.id}`]);
}

function holders({ leases }: JournalState, counter: string): number {
  let count = 0;
  for (const story of leases.values()) if (story.counters.has(counter)) count += 1;
  return count;
}

const windowOf = (counter: string, perSeconds: number, at: number): string =>
  `${counter} ${Math.floor(at / (perSeconds * 1000))}`;

const minted = ({ rates }: JournalState, counter: string, perSeconds: number, at: number): number =>
  rates.get(windowOf(counter, perSeconds, at)) ?? 0;

/** A token that may be used once is accepted for one request only. */
function checkReplay({ leases }: JournalState, { replay }: RecordIntent, entry: AuditEntry): void {
  if (replay === null) return;
  for (const { intent } of leases.values()) {
    const other = intent.replay;
    if (other?.tokenId === replay.tokenId && other.requestDigest !== replay.requestDigest)
      throw new Violation("replay", "a once-only token was accepted for two requests", entry);
  }
}
