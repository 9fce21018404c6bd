/** What a node finds where the ledger should be: a store of its own format, or none yet, which it makes. */
import { err, ok, type Result } from "../../../kernel/result.ts";
import { codeOf, openFault, type OpenFault } from "../connection/open-fault.ts";
import { defineScript, numberOf, type ScriptReply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { storedFormat } from "../stored-format.ts";
import { createShards, defaultShards } from "../shards.ts";

/**
 * enter_store {enters, v, shards, make} -> the number of shards, 0 where there is no store and none was to be made.
 * Keys: meta. Conflicts: foreign, newer V, other_shards N.
 */
const enterScript = defineScript(
  "enter_store",
  [],
  String.raw`
local found = call('HMGET', KEYS[1], 'v', 'shards')
if not found[1] then
  if call('EXISTS', KEYS[1]) == 1 then return conflict('foreign') end
  if not c.make then return finish('ok', seq, { 0 }) end
  call('HSET', KEYS[1], 'v', c.v, 'shards', c.shards)
  return finish('ok', seq, { c.shards })
end
local version, shards = tonumber(found[1]), tonumber(found[2] or nil)
if not version or not shards then return conflict('foreign') end
if version > c.v then return conflict('newer', version) end
if c.chosen and c.chosen ~= shards then return conflict('other_shards', shards) end
return finish('ok', seq, { shards })
`,
);

export interface StoreWish {
  readonly prefix: string;
  /** Null takes what is there. */
  readonly shards: number | null;
  /** Whether one is made where there is none. */
  readonly make: boolean;
}

/** The first shard decides how many there are; then the others are entered. Answers 0 where there is no store. */
export async function enterStore(
  wish: StoreWish,
  callsFor: (shards: ReturnType<typeof createShards>) => ShardCalls,
): Promise<Result<number, OpenFault>> {
  const { prefix, shards: chosen, make } = wish;
  const enter = async (calls: ShardCalls, shard: number, shards: number): Promise<Result<number, OpenFault>> => {
    try {
      const command = { enters: true, v: storedFormat, shards, chosen: chosen ?? undefined, make };
      return judge(prefix, chosen, await calls.ask(shard, enterScript, command));
    } catch (error) {
      if (codeOf(error) === "WRONGTYPE") return err(foreignFault(prefix));
      throw error;
    }
  };
  const first = await enter(callsFor(createShards({ prefix, count: 1 })), 0, chosen ?? defaultShards);
  if (!first.ok || first.value === 0) return first;
  const all = callsFor(createShards({ prefix, count: first.value }));
  const others = await Promise.all(
    Array.from({ length: first.value - 1 }, (_, index) => enter(all, index + 1, first.value)),
  );
  return others.find((entered) => !entered.ok) ?? first;
}

function judge(prefix: string, chosen: number | null, reply: ScriptReply): Result<number, OpenFault> {
  const [first, detail] = reply.payload;
  if (reply.kind === "ok") return ok(numberOf(first));
  if (first === "newer")
    return err(
      openFault(
        "newer_format",
        `the ledger under the prefix ${prefix} is of format ${numberOf(detail)}, and this version knows up to ${storedFormat}`,
        "start the newer version; an older one would not understand what it finds",
      ),
    );
  if (first === "other_shards")
    return err(
      openFault(
        "other_shards",
        `the ledger under the prefix ${prefix} was made with ${numberOf(detail)} shards, not ${chosen ?? defaultShards}`,
        `leave ?shards= out, or write ?shards=${numberOf(detail)}; the number stays as it was made`,
      ),
    );
  return err(foreignFault(prefix));
}

const foreignFault = (prefix: string): OpenFault =>
  openFault(
    "foreign",
    `something else keeps its keys under the prefix ${prefix}`,
    "choose another with ?prefix=NAME, or use a server of its own",
  );
