/**
 * What an intent or an opening takes in shards that are not its own: slots of counters, rates, a token that may be used
 * once. Taken before its own script runs, each for a time; given back when that refuses. A crash between the two burns
 * what was taken until that time, and never lets more through than a limit says.
 */
import type { LimitReservation } from "../../../domain/limit.ts";
import { sha256 } from "../../../kernel/digest.ts";
import type { LeaseId, TaskId } from "../../../kernel/ids.ts";
import { unreachable } from "../../../kernel/unreachable.ts";
import type { ReplayMarker } from "../../../ports/ledger-commands.ts";
import type { Log } from "../../../ports/log.ts";
import { isKeptHere, limitsCommand, type LimitsCommand } from "./limits.ts";
import type { Outbox } from "./outbox.ts";
import { heldSlots, reserveScriptFor, type Item } from "./reserve-script.ts";
import { listOf, numberOf, textOf } from "../script.ts";
import { settle, type Settlement } from "./settle.ts";
import type { ShardCalls } from "../shard-calls.ts";

export interface Holder {
  readonly id: TaskId | LeaseId;
  readonly limits: readonly LimitReservation[];
  /** How long an unconfirmed reservation holds. */
  readonly holdMillis: number;
  /** Its slots go over to this holder, if it may hand them on. */
  readonly replaces?: LeaseId | null;
}

export interface Reserved {
  /** For the script in the task's own shard, which walks the limits in their order. */
  commandOf(holder: Holder): LimitsCommand;
  readonly isReplayed: boolean;
  /** Counters whose slot the lease that is replaced has handed on. */
  readonly takenOver: readonly string[];
  /**
   * What the script said. Applied: what was taken holds until its holders have died. Repeated or refused: it is given
   * back, and lapses where it cannot be.
   */
  settle(outcome: "applied" | "repeated" | "refused"): Promise<void>;
}

export interface Reservations {
  /** Rejects where a shard did not answer; then nothing may be recorded. */
  reserve(holders: readonly Holder[], token: ReplayMarker | null): Promise<Reserved>;
  /** Resolves when nothing that was begun here is under way. */
  settled(): Promise<void>;
}

/** One question to one home shard, and what was said. */
interface Asked {
  readonly shard: number;
  readonly item: Item;
  /** The limit that it asks for; null for a token. */
  readonly limit: LimitReservation | null;
}
interface Said extends Asked {
  readonly found: "full" | "free" | "held" | "taken";
  readonly detail: number;
}
type Owed = readonly [shard: number, item: Settlement];

interface Parts {
  readonly calls: ShardCalls;
  readonly outbox: Outbox;
  readonly log: Log;
}

export function createReservations(parts: Parts): Reservations {
  const { outbox } = parts;
  const running = new Set<Promise<void>>();

  async function forget(work: Promise<void>): Promise<void> {
    await work;
    running.delete(work);
  }
  function keepLater(said: readonly Said[]): void {
    const owed = said.flatMap(keepOf);
    if (owed.length === 0) return;
    const work = settleAll(parts, owed);
    running.add(work);
    void forget(work);
  }

  /** Asked once more where what this process has just ended may be what fills a limit. */
  async function take(asked: readonly Asked[]): Promise<readonly Said[]> {
    const said = await ask(parts, asked);
    const paying = outbox.pending();
    if (paying === null || !said.some(isFullLimit)) return said;
    await giveBack(parts, said);
    await paying;
    return ask(parts, asked);
  }

  return {
    async reserve(holders, token) {
      const questions = await Promise.all(holders.map((holder) => slotsAndRates(parts.calls, holder)));
      const asked = questions.flat();
      if (token !== null) asked.push(await tokenOf(parts.calls, token));
      const said = await take(asked);
      const full = new Set(said.filter(isFullLimit).map(({ limit }) => limit));
      return {
        commandOf: (holder) => limitsCommand(holder.limits, full),
        takenOver: said.filter(isTakenOver).map(({ item }) => item.counter),
        isReplayed: said.some(({ limit, found }) => limit === null && found === "full"),
        async settle(outcome) {
          if (outcome !== "refused") keepLater(outcome === "applied" ? said : said.filter(isHeld));
          if (outcome !== "applied") await giveBack(parts, said);
        },
      };
    },
    async settled() {
      await Promise.all([outbox.pending(), ...running]);
    },
  };
}

const isFullLimit = ({ limit, found }: Said): boolean => limit !== null && found === "full";
const isHeld = ({ found }: Said): boolean => found === "held";

/** All of it, or an error and nothing. */
async function ask(parts: Parts, asked: readonly Asked[]): Promise<readonly Said[]> {
  const byShard = Map.groupBy(asked, ({ shard }) => shard);
  const results = await Promise.allSettled([...byShard].map(([shard, part]) => askShard(parts.calls, shard, part)));
  const said = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return said;
  await giveBack(parts, said);
  throw failed.reason;
}

async function giveBack(parts: Parts, said: readonly Said[]): Promise<void> {
  await settleAll(parts, said.flatMap(returnOf));
  const restored = said.filter(isTakenOver);
  if (restored.length > 0) await settleAll(parts, await judgeRestored(parts.calls, restored).catch(() => []));
}

/** Never rejects: what could not be settled lapses, and is told. */
async function settleAll({ calls, log }: Parts, owed: readonly Owed[]): Promise<void> {
  const byShard = [...Map.groupBy(owed, ([shard]) => shard)];
  const work = byShard.map(([shard, part]) => {
    const items = part.map(([, item]) => item);
    return settle(calls, shard, items);
  });
  const results = await Promise.allSettled(work);
  if (results.some(({ status }) => status === "rejected")) log.warn("reservation_unsettled", {});
}

async function askShard(calls: ShardCalls, shard: number, asked: readonly Asked[]): Promise<readonly Said[]> {
  const items = asked.map(({ item }) => item);
  const { payload } = await calls.ask(shard, reserveScriptFor(items), { items });
  return asked.map((question, index) => {
    const [found, detail] = listOf(payload[index]);
    return { ...question, found: textOf(found) as Said["found"], detail: numberOf(detail) };
  });
}

/** A counter named twice is asked twice and taken once. */
async function slotsAndRates(calls: ShardCalls, { id, limits, holdMillis, replaces }: Holder): Promise<Asked[]> {
  const elsewhere = limits.filter((limit) => !isKeptHere(limit));
  const handedOn = replaces && elsewhere.length > 0 ? await slotsOf(calls, { leaseId: replaces, toHandOn: true }) : [];
  const seen = new Set<string>();
  return elsewhere.map((limit) => {
    const { counter, max, perSeconds } = limit;
    const name = `${perSeconds ?? ""} ${counter}`;
    const again = seen.has(name);
    seen.add(name);
    const old = replaces && handedOn.includes(counter) ? replaces : undefined;
    const item: Item =
      perSeconds === undefined
        ? { kind: "slot", counter, max, again, owner: id, holdMillis, replaces: old }
        : { kind: "rate", counter, max, again, lengthMillis: perSeconds * 1000 };
    return { shard: calls.shards.ofText(counter), item, limit };
  });
}

async function slotsOf(
  calls: ShardCalls,
  command: { readonly leaseId: LeaseId; readonly toHandOn: boolean },
): Promise<readonly string[]> {
  const { payload } = await calls.ask(calls.shards.ofId(command.leaseId), heldSlots, command);
  return payload.map(textOf);
}

async function tokenOf(calls: ShardCalls, marker: ReplayMarker): Promise<Asked> {
  const token = await sha256(`${marker.issuerUrl} ${marker.tokenId}`);
  const { requestDigest: digest, expiresAt } = marker;
  return { shard: calls.shards.ofText(token), item: { kind: "token", token, digest, expiresAt }, limit: null };
}

type TakenOver = Said & { readonly item: Extract<Item, { kind: "slot" }> & { readonly replaces: LeaseId } };
const isTakenOver = (said: Said): said is TakenOver =>
  said.item.kind === "slot" && said.item.replaces !== undefined && said.found === "taken" && said.detail === 1;

function returnOf(said: Said): readonly Owed[] {
  const { shard, item, found, detail } = said;
  if (found !== "taken") return [];
  switch (item.kind) {
    case "slot": {
      const { counter, owner, holdMillis } = item;
      const slot = { kind: "slot", counter, owner } as const;
      return [[shard, isTakenOver(said) ? { ...slot, restore: { owner: said.item.replaces, holdMillis } } : slot]];
    }
    case "rate": {
      const { counter, lengthMillis } = item;
      return [[shard, { kind: "rate", counter, lengthMillis, endsAt: detail }]];
    }
    case "token":
      return [[shard, { kind: "token", token: item.token, digest: item.digest }]];
    default:
      return unreachable(item);
  }
}

const keepOf = ({ shard, item, found }: Said): readonly Owed[] =>
  item.kind === "slot" && (found === "taken" || found === "held")
    ? [[shard, { kind: "keep", counter: item.counter, owner: item.owner }]]
    : [];

/** The lease that was to be replaced may have died meanwhile, and what its death freed was not in its place yet. */
async function judgeRestored(calls: ShardCalls, restored: readonly TakenOver[]): Promise<readonly Owed[]> {
  const [first] = restored;
  if (first === undefined) return [];
  const leaseId = first.item.replaces;
  const held = await slotsOf(calls, { leaseId, toHandOn: false });
  return restored.map(({ shard, item: { counter } }) => [
    shard,
    { kind: held.includes(counter) ? "keep" : "slot", counter, owner: leaseId },
  ]);
}
