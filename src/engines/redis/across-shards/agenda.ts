/**
 * What this process knows of when each shard has something due, so that only those are asked whose instant has come. It
 * is told of what this process changes, and asks every shard once a second for what others did: a wrong agenda makes
 * something late by that, and never loses it. Where the clocks of shards are apart it trusts nothing and asks all.
 */
import type { TargetName } from "../../../domain/names.ts";
import { brand } from "../../../kernel/brand.ts";
import { target as targetLua } from "../lua/target.ts";
import { defineScript, listOf, numberOf, textOf, type Reply, type ScriptReply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { askReachable, type Offer } from "./reachable.ts";

/**
 * due_work {} -> 1 where a sweep is due, else 0; the next instant at which something changes, or -1; then of each target
 * with something due: name, since when, open until (or -1) and why, and of each rank how many leases are due and since
 * when the first of them. Keys: targets, target:NAME, due:RANK:NAME, orders, closes,
 * outbox.
 */
const dueWorkScript = defineScript(
  "due_work",
  [targetLua],
  String.raw`
local nextAt
local function note(instant)
  if instant and instant < math.huge and (not nextAt or instant < nextAt) then nextAt = instant end
end
local function firstClose(from)
  return tonumber(call('ZRANGE', at('closes'), from, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2])
end
local later = '(' .. int(now)
local function addRank(entry, name, rank)
  local count = call('ZCOUNT', at('due', rank, name), '-inf', int(now))
  entry[#entry + 1] = count
  entry[#entry + 1] = int(count > 0 and firstOfRank(name, rank, '-inf') or 0)
end

local closing = firstClose('-inf')
local isOverdue = closing ~= nil and closing <= now
if isOverdue then note(firstClose(later)) else note(closing) end
tellLeft()
local payload = { (isOverdue or call('ZCARD', at('orders')) > 0) and 1 or 0, -1 }
for _, name in ipairs(call('ZRANGE', at('targets'), 0, -1)) do
  local first = firstDue(name, '-inf')
  if first then
    local row = findTarget(name)
    local blocked = blockedUntil(row)
    if blocked then
      note(math.max(first, blocked))
    elseif first > now then
      note(first)
    else
      local entry = { name, int(first), int(row.openUntil or -1), row.why }
      addRank(entry, name, 0)
      addRank(entry, name, 1)
      payload[#payload + 1] = entry
      note(firstDue(name, later))
    end
  end
end
payload[2] = int(nextAt or -1)
return finish('ok', seq, payload)
`,
  { lane: "revoke" },
);

/** What one target has due in one shard. */
export interface TargetWork {
  readonly target: TargetName;
  readonly oldestDueAt: number;
  readonly openUntil: Reply | undefined;
  readonly why: Reply | undefined;
  /** By rank; what was claimed since is taken off. */
  offers: readonly Offer[];
}

/** What a shard answered when it was last asked; the instants are its own clock's. */
export interface ShardWork {
  readonly shard: number;
  readonly now: number;
  readonly sweep: boolean;
  readonly nextAt: number | null;
  readonly targets: readonly TargetWork[];
}

export interface Agenda {
  /** Of the shards that were asked now, and which of all have not been: those have nothing due before `restNextAt`. */
  look(): Promise<AgendaLook>;
  /** Asks where an instant has come or this process changed something since the shard was asked. */
  refresh(): Promise<void>;
  /** Asks every shard that was not asked for a second. */
  refreshAll(): Promise<void>;
  offers(target: TargetName): readonly Offer[];
  /** A claim took so many of what a shard had offered. */
  took(target: TargetName, taken: { readonly shard: number; readonly asked: number; readonly got: number }): void;
  /** Shards with kill orders or overdue tasks. */
  toSweep(): readonly number[];
}

export interface AgendaLook {
  readonly answered: readonly ShardWork[];
  readonly isOneAway: boolean;
  readonly restNextAt: number | null;
}

/** How late this process finds what another one did, if it hears of it in no other way. */
const fullLookMillis = 1_000;
/** A shard that does not answer must not keep the others waiting: it is asked again after this. */
export const retryMillis = 1_000;
/** Clocks of shards are one server's, or of servers that keep time; these are not. */
const farApartMillis = 1_000;

interface Page {
  work: ShardWork | null;
  /** From then on it must be asked. */
  nextAt: number;
  /** On the monotonic clock. */
  askedAt: number;
}

export function createAgenda(calls: ShardCalls): Agenda {
  const pages = createPages(calls);
  const { all, ask, where, hasCome, olderThan } = pages;

  /** Never none: who looks wants to know the ledger's clock, too. */
  function shardsToLookAt(): readonly number[] {
    if (all.length === 1) return [0];
    const isOld = olderThan(fullLookMillis);
    const wanted = where((page) => hasCome(page) || isOld(page) || isBusy(page.work));
    return wanted.length > 0 ? wanted : [earliestOf(all)];
  }

  return {
    async look() {
      let shards = shardsToLookAt();
      let answered: readonly ShardWork[];
      try {
        answered = await ask(shards);
      } catch (error) {
        if (shards.length === all.length) throw error;
        shards = where(() => true);
        answered = await ask(shards);
      }
      const asked = new Set(shards);
      const rest = Math.min(...all.map(({ nextAt }, shard) => (asked.has(shard) ? Infinity : nextAt)));
      const isOneAway = answered.length < shards.length;
      return { answered, isOneAway, restNextAt: Number.isFinite(rest) ? rest : null };
    },
    async refresh() {
      // What is known of the others is good enough to go on with.
      await ask(where(hasCome)).catch(() => []);
    },
    refreshAll: async () => void (await ask(where(olderThan(fullLookMillis)))),
    offers: (target) => all.flatMap(({ work }) => targetOf(work, target)?.offers ?? []),
    took(target, { shard, asked, got }) {
      const known = targetOf(all[shard]?.work ?? null, target);
      if (known !== undefined) known.offers = got < asked ? [] : without(known.offers, got);
    },
    toSweep: () => where(({ work }) => work?.sweep === true),
  };
}

/** What was answered, a page a shard, and what was told since. */
function createPages(calls: ShardCalls) {
  const all = Array.from({ length: calls.shards.count }, (): Page => ({
    work: null,
    nextAt: -Infinity,
    askedAt: -Infinity,
  }));
  let areApart = false;
  calls.onDue((dueAt, shard) => {
    const page = all[shard];
    if (page !== undefined) page.nextAt = Math.min(page.nextAt, dueAt);
  });

  function settle(shard: number, work: ShardWork | null): void {
    const page = all[shard];
    if (page === undefined) return;
    page.work = work;
    page.nextAt = Math.min(page.nextAt, work === null ? calls.now() + retryMillis : (work.nextAt ?? Infinity));
  }

  return {
    all,
    where: (holds: (page: Page) => boolean): readonly number[] =>
      all.flatMap((page, shard) => (holds(page) ? [shard] : [])),
    hasCome: (page: Page): boolean => areApart || page.nextAt <= calls.now(),
    olderThan: (age: number) => {
      const now = calls.monotonicMillis();
      return (page: Page): boolean => now - page.askedAt >= age;
    },
    /** Rejects only where none answered. */
    ask: async (shards: readonly number[]): Promise<readonly ShardWork[]> => {
      if (shards.length === 0) return [];
      const askedAt = calls.monotonicMillis();
      // What changes while the question is under way must be asked for again.
      for (const shard of shards) Object.assign(all[shard] ?? {}, { nextAt: Infinity, askedAt });
      const works = new Map<number, ShardWork>();
      try {
        const asks = shards.map((shard) => ({ shard, command: {} }));
        for (const { shard, reply } of await askReachable(calls, dueWorkScript, asks))
          works.set(shard, workFrom(shard, reply));
      } finally {
        for (const shard of shards) settle(shard, works.get(shard) ?? null);
      }
      if (works.size === all.length) areApart = spreadOf([...works.values()]) > farApartMillis;
      return [...works.values()];
    },
  };
}

const isBusy = (work: ShardWork | null): boolean => work !== null && (work.sweep || work.targets.length > 0);

const earliestOf = (pages: readonly Page[]): number =>
  pages.reduce((best, { nextAt }, shard) => (nextAt < (pages[best]?.nextAt ?? Infinity) ? shard : best), 0);

const spreadOf = (works: readonly ShardWork[]): number =>
  Math.max(...works.map(({ now }) => now)) - Math.min(...works.map(({ now }) => now));

const targetOf = (work: ShardWork | null, target: TargetName): TargetWork | undefined =>
  work?.targets.find((one) => one.target === target);

/** The more urgent rank goes first. */
function without(offers: readonly Offer[], taken: number): readonly Offer[] {
  let left = taken;
  return offers.map((offer) => {
    const rows = Math.max(0, offer.rows - left);
    left -= offer.rows - rows;
    return { ...offer, rows };
  });
}

function workFrom(shard: number, { now, payload }: ScriptReply): ShardWork {
  const [sweep, next, ...targets] = payload;
  const nextAt = numberOf(next);
  return {
    shard,
    now,
    sweep: numberOf(sweep) === 1,
    nextAt: nextAt < 0 ? null : nextAt,
    targets: targets.map((row) => targetFrom(shard, listOf(row))),
  };
}

function targetFrom(shard: number, row: readonly Reply[]): TargetWork {
  const [name, oldest, openUntil, why, ...ranks] = row;
  return {
    target: brand<TargetName>(textOf(name)),
    oldestDueAt: numberOf(oldest),
    openUntil,
    why,
    offers: [0, 1].map((rank) => ({
      shard,
      rank,
      rows: numberOf(ranks[2 * rank]),
      firstAt: numberOf(ranks[2 * rank + 1]),
    })),
  };
}
