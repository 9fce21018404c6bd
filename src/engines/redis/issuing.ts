/** What the verbs that issue stand on, beside the shards, and the bounds of what they take in shards not their own. */
import type { Log } from "../../ports/log.ts";
import { createOutbox } from "./across-shards/outbox.ts";
import { createReservations, type Reservations } from "./across-shards/reservations.ts";
import { createJoinedMints, type JoinedMints } from "./joined-mints.ts";
import { textOf, type ScriptReply } from "./script.ts";
import type { ShardCalls } from "./shard-calls.ts";
import { createTurns, type Turns } from "./turns.ts";

export interface Issuing {
  readonly calls: ShardCalls;
  readonly reservations: Reservations;
  readonly turns: Turns;
  readonly joinedMints: JoinedMints;
}

/** Beyond the end of what a reservation is for: sweeps may be late, and a slot that lapsed early would let one too many. */
export const slotMarginMillis = 24 * 3_600_000;

export function createIssuing(calls: ShardCalls, log: Log): Issuing {
  const reservations = createReservations({ calls, outbox: createOutbox(calls, log), log });
  return { calls, reservations, turns: createTurns(), joinedMints: createJoinedMints() };
}

/** `word` is how a script's payload begins when it did what it was asked, and not when it had been done before. */
export function settlementBy(reply: ScriptReply, word: string): "applied" | "repeated" | "refused" {
  if (reply.kind === "conflict") return "refused";
  return textOf(reply.payload[0]) === word ? "applied" : "repeated";
}
