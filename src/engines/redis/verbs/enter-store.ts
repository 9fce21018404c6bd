/** What a node finds where the ledger should be: a store of its own format, or none yet, which it makes. */
import { err, ok, type Result } from "../../../kernel/result.ts";
import { codeOf, openFault, type OpenFault } from "../connection/open-fault.ts";
import { defineScript, numberOf, type ScriptReply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { storedFormat } from "../stored-format.ts";
import { createShards, defaultShards } from "../shards.ts";

/**
 * enter_store {enters, v, shards, make} -> the number of shards, 0 where there is no store and none was to be made; the
 * generation. Keys: meta. Conflicts: foreign, newer V, other_shards N.
 */
const enterScript = defineScript(
  "enter_store",
  [],
  String.raw`
local found = call('HMGET', KEYS[1], 'v', 'shards')
if not found[1] then
  if call('EXISTS', KEYS[1]) == 1 then return conflict('foreign') end
  if not c.make then return finish('ok', seq, { 0, generation }) end
  call('HSET', KEYS[1], 'v', c.v, 'shards', c.shards)
  return finish('ok', seq, { c.shards, generation })
end
local version, shards = tonumber(found[1]), tonumber(found[2] or nil)
if not version or not shards then return conflict('foreign') end
if version > c.v then return conflict('newer', version) end
if c.chosen and c.chosen ~= shards then return conflict('other_shards', shards) end
return finish('ok', seq, { shards, generation })
`,
);

export interface StoreWish {
  readonly prefix: string;
  /** Null takes what is there. */
  readonly shards: number | null;
  /** Whether one is made where there is none. */
  readonly make: boolean;
  /** Whether a restore that did not get through all shards is in order: only for what orders it again. */
  readonly mayBeHalfRestored?: boolean;
}

interface Entered {
  readonly shards: number;
  readonly generation: number;
}

/** The first shard decides how many there are; then the others are entered. Answers 0 where there is no store. */
export async function enterStore(
  wish: StoreWish,
  callsFor: (shards: ReturnType<typeof createShards>) => ShardCalls,
): Promise<Result<number, OpenFault>> {
  const { prefix, shards: chosen, make, mayBeHalfRestored = false } = wish;
  const enter = async (calls: ShardCalls, shard: number, shards: number): Promise<Result<Entered, OpenFault>> => {
    try {
      const command = { enters: true, v: storedFormat, shards, chosen: chosen ?? undefined, make };
      return judge(prefix, chosen, await calls.ask(shard, enterScript, command));
    } catch (error) {
      if (codeOf(error) === "WRONGTYPE") return err(foreignFault(prefix));
      throw error;
    }
  };
  const first = await enter(callsFor(createShards({ prefix, count: 1 })), 0, chosen ?? defaultShards);
  if (!first.ok) return first;
  const { shards, generation } = first.value;
  if (shards === 0) return ok(0);
  const all = callsFor(createShards({ prefix, count: shards }));
  const others = await Promise.all(Array.from({ length: shards - 1 }, (_, index) => enter(all, index + 1, shards)));
  for (const entered of others) {
    if (!entered.ok) return entered;
    if (entered.value.generation !== generation && !mayBeHalfRestored) return err(halfRestoredFault(prefix));
  }
  return ok(shards);
}

function judge(prefix: string, chosen: number | null, reply: ScriptReply): Result<Entered, OpenFault> {
  const [first, detail] = reply.payload;
  if (reply.kind === "ok") return ok({ shards: numberOf(first), generation: numberOf(detail) });
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

const halfRestoredFault = (prefix: string): OpenFault =>
  openFault(
    "half_restored",
    `shards of the ledger under the prefix ${prefix} are of different generations: a restore did not get through all of them`,
    "run `mayfly restore` on it again, with --yes, before any broker is started",
  );
