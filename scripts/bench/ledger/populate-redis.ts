/**
 * A Redis ledger with very many outstanding leases. Tasks and one lease of each are written by the engine's verbs; the
 * others are copies of that one's row and of its entry in the due index, made in the server. They are counted and read
 * back through the engine, and differ from issued leases in nothing but that they have no audit entries.
 */
import { Redis } from "ioredis";
import { createShards } from "../../../src/engines/redis/shards.ts";
import { nodeClock } from "../../../src/entry/node-clock.ts";
import { keyOfId, leaseIdOf, tagOfId, type LeaseId, type TaskId } from "../../../src/kernel/ids.ts";
import { addMillis } from "../../../src/kernel/time.ts";
import { createCommands, issueLeases, openTask } from "./commands.ts";
import { openRedis } from "./place.ts";

const dayMillis = 24 * 3_600_000;
/** A script that copies more would keep everybody else waiting. */
const copiedAtOnce = 500;

const copyScript = `
local base, task, sample = string.sub(KEYS[1], 1, -5), ARGV[1], ARGV[2]
local row = redis.call('HGETALL', base .. 'lease:' .. sample)
local handleAt
for i = 1, #row, 2 do if row[i] == 'h' then handleAt = i + 1 end end
local handle, due = row[handleAt], base .. 'due:1:' .. ARGV[3]
local dueAt = tonumber(redis.call('ZSCORE', due, sample))
for i = 4, #ARGV do
  row[handleAt] = string.gsub(handle, sample, ARGV[i])
  redis.call('HSET', base .. 'lease:' .. ARGV[i], unpack(row))
  redis.call('ZADD', due, string.format('%.0f', dueAt + i * 7), ARGV[i])
  redis.call('ZADD', base .. 'leases:' .. task, 0, ARGV[i])
end
redis.call('HINCRBY', base .. 'task:' .. task, 'n:active', #ARGV - 3)
redis.call('HINCRBY', KEYS[1], 'live', #ARGV - 3)
`;

/** One task for each of `leaseCounts`, with as many leases. Answers the tasks. */
export async function populateRedis(wish: { url: string; leaseCounts: readonly number[] }): Promise<readonly TaskId[]> {
  const { url, leaseCounts } = wish;
  const ledger = await openRedis(url);
  const client = new Redis(url, { enableAutoPipelining: true });
  const shards = createShards({ prefix: "mayfly", count: ledger.shards });
  const commands = createCommands(nodeClock);
  try {
    const tasks: TaskId[] = [];
    for (const count of leaseCounts) {
      const taskId = await openTask(ledger, commands);
      tasks.push(taskId);
      const expiresAt = addMillis(nodeClock.now(), dayMillis);
      await issueLeases(ledger, commands, { taskId, count: 1, expiresAt: () => expiresAt });
      const [sample] = await ledger.listLeases({ taskId, after: null, limit: 1 });
      if (sample === undefined) throw new Error("the sample lease is missing");
      for (let from = 1; from < count; from += copiedAtOnce) {
        const ids = idsBehind(sample.id, from, Math.min(count, from + copiedAtOnce));
        await client.eval(copyScript, 1, shards.metaKey(shards.ofId(taskId)), taskId, sample.id, sample.target, ...ids);
      }
      const { byState } = await ledger.summarize(taskId);
      if (byState.active !== count) throw new Error("the engine counts other leases");
    }
    return tasks;
  } finally {
    client.disconnect();
    await ledger.close();
  }
}

const idsBehind = (sample: LeaseId, from: number, to: number): readonly LeaseId[] =>
  Array.from({ length: to - from }, (_, at) => leaseIdOf(keyOfId(sample) + from + at, tagOfId(sample)));
