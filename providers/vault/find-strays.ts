/**
 * Finds tokens of this broker by what was written on them, where the broker may list accessors. What is written on a
 * token never changes, so each is looked at once and remembered while the server lists it: a first search is as long as
 * the server's list, a later one as short as what came since. Memory here is a cache and nothing else.
 */
import { parseLeaseId, type LeaseId } from "../../src/kernel/ids.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";
import { membersOf, numberOf, textOf, textsOf } from "./answers.ts";
import type { AskAsBroker, BrokerAnswer } from "./broker-call.ts";
import { faultWord } from "./fault-word.ts";

export interface StraySearch {
  /** Accessors of the tokens made for that lease; `unfinished` where there was too much to look at in one go. */
  find(leaseId: LeaseId, signal: AbortSignal): Promise<Result<Search, BrokerAnswer>>;
  /** Those of this broker behind `after` in the order of accessors. */
  page(request: { after: string | null; limit: number; signal: AbortSignal }): Promise<Result<StrayPage, string>>;
}

export type Search = { readonly kind: "done"; readonly accessors: readonly string[] } | { readonly kind: "unfinished" };
export interface StrayPage {
  readonly found: readonly { readonly accessor: string; readonly mine: Mine }[];
  readonly next: string | null;
}
export interface Mine {
  readonly leaseId: LeaseId | null;
  /** What the token was made to read; null where it is itself the credential. */
  readonly path: string | null;
  readonly createdAt: EpochMillis | null;
}

/** A list of 300,000 accessors. */
const maxListBytes = 8 * 1024 * 1024;
/** Looks of one call, and of one moment: a kill has ten seconds. */
const maxLooks = 2_000;
const looksAtOnce = 8;

export function createStraySearch(asBroker: AskAsBroker, mark: string): StraySearch {
  /** Null: somebody else's. */
  let known = new Map<string, Mine | null>();

  async function list(signal: AbortSignal): Promise<Result<readonly string[], BrokerAnswer>> {
    const answer = await asBroker({ verb: "list", path: "auth/token/accessors", maxBytes: maxListBytes, signal });
    // A server without a token cannot be asked: at least the broker's own is there.
    if (answer.kind !== "answered" || answer.status !== 200) return err(answer);
    const keys = textsOf(membersOf(answer.body, "data"), "keys").toSorted();
    known = new Map(keys.flatMap((key) => (known.has(key) ? [[key, known.get(key) ?? null]] : [])));
    return ok(keys);
  }

  async function look(accessor: string, signal: AbortSignal): Promise<BrokerAnswer | null> {
    const body = { accessor };
    const answer = await asBroker({ verb: "write", path: "auth/token/lookup-accessor", body, signal });
    if (answer.kind !== "answered" || answer.status >= 500 || answer.status === 429) return answer;
    // Any other answer is of one that ended since it was listed, or that is not the broker's to see.
    if (answer.status === 200) known.set(accessor, mineOf(membersOf(answer.body, "data"), mark));
    return null;
  }

  async function lookAtAll(keys: readonly string[], signal: AbortSignal): Promise<BrokerAnswer | null> {
    const unknown = keys.filter((key) => !known.has(key)).slice(0, maxLooks);
    for (let at = 0; at < unknown.length; at += looksAtOnce) {
      // oxlint-disable-next-line no-await-in-loop -- so many at a time and no more
      const faults = await Promise.all(unknown.slice(at, at + looksAtOnce).map((key) => look(key, signal)));
      const fault = faults.find((one) => one !== null);
      if (fault !== undefined) return fault;
    }
    return null;
  }

  return {
    async find(leaseId, signal) {
      const keys = await list(signal);
      if (!keys.ok) return keys;
      const missing = keys.value.filter((key) => !known.has(key)).length;
      const fault = await lookAtAll(keys.value, signal);
      if (fault !== null) return err(fault);
      const accessors = keys.value.filter((key) => known.get(key)?.leaseId === leaseId);
      return ok(missing > maxLooks && accessors.length === 0 ? { kind: "unfinished" } : { kind: "done", accessors });
    },
    async page({ after, limit, signal }) {
      const keys = await list(signal);
      if (!keys.ok) return err(faultWord(keys.fault));
      const looked = keys.value.filter((key) => after === null || key > after).slice(0, maxLooks);
      const fault = await lookAtAll(looked, signal);
      return fault === null ? ok(pageOf(looked, known, { limit, end: keys.value.at(-1) })) : err(faultWord(fault));
    },
  };
}

function pageOf(
  looked: readonly string[],
  known: ReadonlyMap<string, Mine | null>,
  { limit, end }: { limit: number; end: string | undefined },
): StrayPage {
  const mine = looked.flatMap((accessor) => {
    const one = known.get(accessor) ?? null;
    return one === null ? [] : [{ accessor, mine: one }];
  });
  const found = mine.slice(0, limit);
  const last = found.length < mine.length ? found.at(-1)?.accessor : looked.at(-1);
  return { found, next: last === undefined || last === end ? null : last };
}

function mineOf(data: Readonly<Record<string, unknown>>, mark: string): Mine | null {
  const meta = membersOf(data, "meta");
  if (meta["jit_broker"] !== mark) return null;
  const createdSeconds = numberOf(data, "creation_time");
  return {
    leaseId: parseLeaseId(textOf(meta, "jit_lease") ?? "") ?? null,
    path: textOf(meta, "jit_path") ?? null,
    createdAt: createdSeconds === undefined ? null : epochMillis(createdSeconds * 1000),
  };
}
