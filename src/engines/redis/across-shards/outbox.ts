/**
 * What a death or an end owes to other shards (a slot of a counter, the pointer of a fingerprint) waits in the outbox of
 * its own shard, written in the same step. Whoever sees it pays it: this process at once for what it did itself, a sweep
 * for what a crash left. Two nodes may do the same entries; an entry is removed only once it is paid.
 */
import type { Log } from "../../../ports/log.ts";
import { defineScript, numberOf, textOf } from "../script.ts";
import { settle, type Settlement } from "./settle.ts";
import type { ShardCalls } from "../shard-calls.ts";

/** Entries of one page: a few milliseconds of the server's time at most. */
const pageEntries = 500;
/** Pages of one pass: what is left waits for the next one, so that no pass runs for ever. */
const maxPages = 200;

/** read_outbox {limit} -> entries, any of them. Keys: outbox. */
const readOutbox = defineScript(
  "read_outbox",
  [],
  String.raw`return finish('ok', seq, call('SRANDMEMBER', at('outbox'), c.limit))`,
);

/** forget_outbox {entries} -> nothing. Keys: outbox. */
const forgetOutbox = defineScript(
  "forget_outbox",
  [],
  String.raw`
call('SREM', at('outbox'), unpack(c.entries))
return finish('ok')
`,
);

/** Pays what is in the outbox of one shard. Rejects where some of it could not be paid; the rest is. */
export async function emptyOutbox(calls: ShardCalls, shard: number): Promise<void> {
  for (let page = 0; page < maxPages; page += 1) {
    // oxlint-disable-next-line no-await-in-loop -- each page is what the one before left
    const { payload } = await calls.ask(shard, readOutbox, { limit: pageEntries });
    const entries = payload.map(textOf);
    if (entries.length === 0) return;
    // oxlint-disable-next-line no-await-in-loop -- as above
    await pay(calls, shard, entries);
    if (entries.length < pageEntries) return;
  }
}

async function pay(calls: ShardCalls, shard: number, entries: readonly string[]): Promise<void> {
  const byHome = Map.groupBy(entries, (entry) => calls.shards.ofText(nameIn(entry)));
  const payments = [...byHome].map(async ([home, owed]) => {
    await settle(calls, home, owed.map(settlementOf));
    await calls.ask(shard, forgetOutbox, { entries: owed });
  });
  // One shard that does not answer keeps no other one waiting.
  const results = await Promise.allSettled(payments);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

const partsOf = (entry: string): readonly [kind: string, name: string, owner: string, until: string] => {
  const [kind, name, owner, until = ""] = entry.split("\n");
  if (kind === undefined || name === undefined || owner === undefined) throw new Error("not an entry of the outbox");
  return [kind, name, owner, until];
};

const nameIn = (entry: string): string => partsOf(entry)[1];

function settlementOf(entry: string): Settlement {
  const [kind, name, owner, until] = partsOf(entry);
  switch (kind) {
    case "slot":
      return { kind, counter: name, owner };
    case "room":
      return { kind, counter: name, owner, until: numberOf(until) };
    case "print":
      return { kind, fingerprint: name, owner };
    default:
      throw new Error("an entry of the outbox that this version does not know");
  }
}

export interface Outbox {
  /** Resolves when what this process has seen left so far was paid, or could not be. Null: nothing is under way. */
  pending(): Promise<void> | null;
}

/** Pays behind every script of this process that left something. One pass a shard at a time, and one that waits. */
export function createOutbox(calls: ShardCalls, log: Log): Outbox {
  const passes = new Map<number, Promise<void>>();
  const waiting = new Set<number>();
  const pass = async (shard: number): Promise<void> => {
    waiting.delete(shard);
    try {
      await emptyOutbox(calls, shard);
    } catch (error) {
      log.warn("outbox_unpaid", { shard, error: error instanceof Error ? error.name : "unknown" });
    }
  };
  async function queue(shard: number): Promise<void> {
    const before = passes.get(shard);
    const mine = before === undefined ? pass(shard) : before.then(() => pass(shard));
    passes.set(shard, mine);
    await mine;
    if (passes.get(shard) === mine) passes.delete(shard);
  }
  calls.onLeft((shard) => {
    if (waiting.has(shard)) return;
    waiting.add(shard);
    void queue(shard);
  });
  return {
    pending: () => (passes.size === 0 ? null : allOf(passes.values())),
  };
}

async function allOf(work: Iterable<Promise<void>>): Promise<void> {
  await Promise.all(work);
}
