/** A process with a ledger in it: fills one, and times the verbs and the kill path on it. */
import { dirname } from "node:path";
import { systemClock } from "../../../src/entry/system-clock.ts";
import type { TaskId } from "../../../src/kernel/ids.ts";
import { serveActor } from "../actor.ts";
import { measureBytes } from "../ledger/bytes.ts";
import { createCommands, valueOf } from "../ledger/commands.ts";
import { timeSyncs } from "../ledger/disk.ts";
import { timeHerd, timeLateness } from "../ledger/due-times.ts";
import { timeBigKill, timeKills } from "../ledger/kill-times.ts";
import { timeNeighbours } from "../ledger/neighbours.ts";
import { openLedger, populate } from "../ledger/populate.ts";
import { populateRedis } from "../ledger/populate-redis.ts";
import { measureRedisBytes } from "../ledger/redis-bytes.ts";
import { sitOutOutage } from "../ledger/outage.ts";
import { median } from "../statistics.ts";

const syncsAround = 15;

/** Ends each task, with the disk's own speed measured just before and after. */
async function timeKillOrders({ file, tasks }: { file: string; tasks: readonly TaskId[] }) {
  const ledger = await openLedger(file);
  const commands = createCommands(systemClock);
  const dir = dirname(file);
  const results = [];
  try {
    for (const taskId of tasks) {
      const before = timeSyncs(dir, syncsAround);
      const startedAt = performance.now();
      valueOf(await ledger.endTask(commands.end(taskId)));
      const orderMillis = performance.now() - startedAt;
      results.push({ orderMillis, syncMillis: median([...before, ...timeSyncs(dir, syncsAround)]) });
    }
  } finally {
    await ledger.close();
  }
  return results;
}

serveActor({
  populate,
  timeSyncs: ({ dir, count }: { dir: string; count: number }) => timeSyncs(dir, count),
  timeKillOrders,
  timeKills,
  timeBigKill,
  timeLateness,
  timeHerd,
  timeNeighbours,
  measureBytes,
  populateRedis,
  measureRedisBytes,
  sitOutOutage,
});
