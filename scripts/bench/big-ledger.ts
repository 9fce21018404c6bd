/** One ledger with a million outstanding leases, filled once a run and shared by the goals that ask about size. */
import { join } from "node:path";
import type { TaskId } from "../../src/kernel/ids.ts";
import type { Context } from "./context.ts";

export interface BigLedger {
  readonly file: string;
  readonly leases: number;
  readonly tasksOf1: readonly TaskId[];
  readonly tasksOf10k: readonly TaskId[];
  readonly tasksOf100k: readonly TaskId[];
  /** Of 10 thousand leases each, to be killed with a process. */
  readonly doomed: readonly TaskId[];
}

const small = 10_000;
const large = 100_000;
const counts = { tasksOf1: 209, tasksOf10k: 9, tasksOf100k: 5, doomed: 3, others: 38 };

export async function fillBigLedger(context: Context): Promise<BigLedger> {
  const leaseCounts = [
    ...Array.from({ length: counts.tasksOf1 }, () => 1),
    ...Array.from({ length: counts.tasksOf10k }, () => small),
    ...Array.from({ length: counts.tasksOf100k }, () => large),
    ...Array.from({ length: counts.doomed + counts.others }, () => small),
  ];
  const leases = leaseCounts.reduce((sum, count) => sum + count, 0);
  context.say(`filling a ledger with ${leases} leases`);
  const file = join(context.stage.folder(), "big.db");
  const actor = await context.stage.start("ledger.ts", "server");
  const tasks = await actor.ask<readonly TaskId[]>("populate", { file, leaseCounts });
  await actor.stop();
  let from = 0;
  const take = (count: number): readonly TaskId[] => tasks.slice(from, (from += count));
  return {
    file,
    leases,
    tasksOf1: take(counts.tasksOf1),
    tasksOf10k: take(counts.tasksOf10k),
    tasksOf100k: take(counts.tasksOf100k),
    doomed: take(counts.doomed),
  };
}
