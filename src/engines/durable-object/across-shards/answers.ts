/** Answers of one verb on many shards as one. A shard that rejects, or does not know, leaves the whole unknown. */
import type { Answer } from "../../../ports/ledger.ts";
import type { Log } from "../../../ports/log.ts";
import type { ShardLedger } from "../shard-ledger.ts";
import type { Shards } from "./shards.ts";

/** Thrown inside a verb of many steps whose outcome is not known. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
}

export const answer = <T>(value: T, sequence: number): Answer<T, never> => ({ kind: "ok", value, sequence });

export interface Done<T> {
  readonly value: T;
  readonly sequence: number;
}

export function doneOf<T>(answered: Answer<T, never>): Done<T> {
  if (answered.kind === "ok") return answered;
  throw new OutcomeUnknown(answered.kind === "unknown" ? answered.reason : "conflict");
}

/** Runs a verb; what it throws is no answer, so its outcome is unknown. */
export async function orUnknown<T, C>(log: Log, verb: string, run: () => Promise<Answer<T, C>>): Promise<Answer<T, C>> {
  try {
    return await run();
  } catch (error) {
    const reason = error instanceof OutcomeUnknown ? error.message : "shard_unreachable";
    log.warn("ledger_unknown", { verb, reason, error: error instanceof Error ? error.name : "unknown" });
    return { kind: "unknown", reason };
  }
}

/** On every shard; done only when all of them have said so. The first one's sequence stands for all. */
export async function everywhere<T, R>(
  shards: Shards,
  verb: (shard: ShardLedger) => Promise<Answer<T, never>>,
  sum: (values: readonly T[]) => R,
): Promise<Answer<R, never>> {
  const done = await shards.all(async (shard) => doneOf(await verb(shard)));
  return answer(sum(done.map(({ value }) => value)), done[0]?.sequence ?? 0);
}
