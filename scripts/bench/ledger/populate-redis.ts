/**
 * A Redis ledger with very many outstanding leases, filled in seconds. Tasks and one lease of each are written by the
 * engine's verbs; the others are written inside the server by the engine's own `saveLease`, so that their rows and indexes
 * are what issuing makes of them, whatever their layout. They are counted and read back through the engine, and differ
 * from issued leases in nothing but that they have no audit entries.
 */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { Redis } from "ioredis";
import { lease as leaseLua } from "../../../src/engines/redis/lua/lease.ts";
import { task as taskLua } from "../../../src/engines/redis/lua/task.ts";
import type { RedisLedger } from "../../../src/engines/redis/open.ts";
import { createScriptRunner, defineScript } from "../../../src/engines/redis/script.ts";
import { createShardCalls, type ShardCalls } from "../../../src/engines/redis/shard-calls.ts";
import { createShards } from "../../../src/engines/redis/shards.ts";
import { systemClock } from "../../../src/entry/system-clock.ts";
import { keyOfId, leaseIdOf, tagOfId, type LeaseId, type TaskId } from "../../../src/kernel/ids.ts";
import { addMillis, type EpochMillis } from "../../../src/kernel/time.ts";
import type { LeaseSummary, LeaseView } from "../../../src/ports/ledger-views.ts";
import { createCommands, handleOf, issueLeases, openTask, type Commands } from "./commands.ts";
import { openRedis } from "./open-redis.ts";

const dayMillis = 24 * 3_600_000;
/** A script that copies more would keep everybody else waiting. */
const copiedAtOnce = 500;
const tasksAtOnce = 4;

/** copy_lease {sample, ids, apart} -> nothing. Keys: lease:ID, task:ID, leases:TASK, due:RANK:TARGET. */
const copyScript = defineScript(
  "copy_lease",
  [taskLua, leaseLua],
  String.raw`
local sample = findLease(c.sample)
for i, id in ipairs(c.ids) do
  local row = {}
  for name, value in pairs(sample) do row[name] = value end
  row.id, row.h = id, (string.gsub(sample.h, sample.id, id))
  row.ea, row.na = sample.ea + i * c.apart, sample.na + i * c.apart
  leases[id] = row
  saveLease(row)
  call('ZADD', at('leases', row.t), 0, id)
end
return finish('ok')
`,
);

export interface FillWish {
  readonly url: string;
  /** One task for each, with as many leases. */
  readonly leaseCounts: readonly number[];
  /** When the leases end; a day from now, a few milliseconds apart, unless told. */
  readonly dueAt?: EpochMillis;
}

export interface Filled {
  readonly tasks: readonly TaskId[];
  readonly seconds: number;
}

export async function populateRedis({ url, leaseCounts, dueAt }: FillWish): Promise<Filled> {
  const startedAt = performance.now();
  const ledger = await openRedis(url);
  const client = new Redis(url, { enableAutoPipelining: true });
  const filling: Filling = {
    ledger,
    calls: callsOf(client, ledger.shards),
    commands: createCommands(systemClock),
    expiresAt: dueAt ?? addMillis(systemClock.now(), dayMillis),
    apart: dueAt === undefined ? 7 : 0,
  };
  try {
    const tasks: TaskId[] = [];
    for (let from = 0; from < leaseCounts.length; from += tasksAtOnce) {
      const counts = leaseCounts.slice(from, from + tasksAtOnce);
      tasks.push(...(await Promise.all(counts.map((count) => fillTask(filling, count)))));
    }
    return { tasks, seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    client.disconnect();
    await ledger.close();
  }
}

interface Filling {
  readonly ledger: RedisLedger;
  readonly calls: ShardCalls;
  readonly commands: Commands;
  readonly expiresAt: EpochMillis;
  readonly apart: number;
}

function callsOf(client: Redis, count: number): ShardCalls {
  const digest = (text: string): string => createHash("sha1").update(text).digest("hex");
  const runner = createScriptRunner({ clientFor: () => client, digest, wall: "server", knowsFlags: true });
  return createShardCalls({
    runner,
    shards: createShards({ prefix: "mayfly", count }),
    clock: systemClock,
    held: () => null,
  });
}

async function fillTask({ ledger, calls, commands, expiresAt, apart }: Filling, count: number): Promise<TaskId> {
  const taskId = await openTask(ledger, commands);
  await issueLeases(ledger, commands, { tasks: [taskId], count: 1, expiresAt: () => expiresAt });
  const [sample] = await ledger.listLeases({ taskId, after: null, limit: 1 });
  if (sample === undefined) throw new Error("the sample lease is missing");
  const shard = calls.shards.ofId(taskId);
  for (let from = 1; from < count; from += copiedAtOnce) {
    const ids = idsBehind(sample.id, from, Math.min(count, from + copiedAtOnce));
    await calls.ask(shard, copyScript, { sample: sample.id, ids, apart });
  }
  const last = idsBehind(sample.id, count - 1, count)[0] ?? sample.id;
  check(count, await ledger.summarize(taskId), [await ledger.readLease(sample.id), await ledger.readLease(last)]);
  return taskId;
}

const idsBehind = (sample: LeaseId, from: number, to: number): readonly LeaseId[] =>
  Array.from({ length: to - from }, (_, at) => leaseIdOf(keyOfId(sample) + from + at, tagOfId(sample)));

/** The engine must count and read a copy as if a verb had written it. */
function check(
  count: number,
  { byState }: LeaseSummary,
  [sample, copy]: readonly [LeaseView | undefined, LeaseView | undefined],
): void {
  if (byState.active !== count) throw new Error("the engine counts other leases");
  if (sample === undefined || copy === undefined) throw new Error("a copy cannot be read");
  const { id, expiresAt, nativeExpiresAt } = copy.lease;
  const expected = { ...sample.lease, id, expiresAt, nativeExpiresAt, handle: handleOf(id) };
  if (!isDeepStrictEqual(copy.lease, expected)) throw new Error("a copy differs from its sample");
}
