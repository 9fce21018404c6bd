/**
 * Sweeps, claims and what is due, over all shards. In production each shard kills for itself; this is for a process that
 * kills for all. A shard that does not answer keeps none of the others waiting.
 */
import type { Lease } from "../../../domain/lease.ts";
import type { TargetName } from "../../../domain/names.ts";
import { laterBreaker, mergeTargets } from "../../../domain/target-state.ts";
import { maxClaimRows } from "../../../kernel/limits.ts";
import { addMillis, earlierOf, epochMillis, type EpochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { ClaimDue, SetTarget } from "../../../ports/ledger-commands.ts";
import type { DueWork, TargetState } from "../../../ports/ledger-views.ts";
import type { DueLease } from "../../sql/reads/due-leases.ts";
import type { ShardLedger } from "../shard-ledger.ts";
import { answer, doneOf, everywhere, OutcomeUnknown, type Done } from "./answers.ts";
import type { Shards } from "./shards.ts";

/** A shard that did not answer is looked at again after this. */
const retryMillis = 1_000;

type DueTarget = DueWork["targets"][number];

export async function dueWork(shards: Shards): Promise<DueWork> {
  const answered = (await shards.reachable((shard) => shard.dueWork())).map(([, work]) => work);
  const now = epochMillis(Math.max(...answered.map((work) => work.now)));
  const targets = new Map<TargetName, DueTarget>();
  let nextAt: EpochMillis | null = answered.length < shards.count ? addMillis(now, retryMillis) : null;
  for (const work of answered) {
    // Clocks of shards may be apart: told by the one that is ahead, or what is still to come would look overdue.
    const behind = now - work.now;
    nextAt = earlierOf(nextAt, work.nextAt === null ? null : addMillis(work.nextAt, behind));
    for (const due of work.targets) {
      const one = { ...due, oldestDueAt: addMillis(due.oldestDueAt, behind) };
      const known = targets.get(one.target);
      targets.set(one.target, known === undefined ? one : mergeDue(known, one));
    }
  }
  const sorted = [...targets.values()].toSorted((left, right) => (left.target < right.target ? -1 : 1));
  return { now, targets: sorted, sweep: answered.some(({ sweep }) => sweep), nextAt };
}

const mergeDue = (left: DueTarget, right: DueTarget): DueTarget => ({
  target: left.target,
  oldestDueAt: earlierOf(left.oldestDueAt, right.oldestDueAt) ?? left.oldestDueAt,
  breaker: laterBreaker(left.breaker, right.breaker),
});

/** What the fence holds already, or the most urgent of all shards. What a shard does not answer comes back when it lapses. */
export async function claimDue(shards: Shards, command: ClaimDue): Promise<Answer<readonly Lease[], never>> {
  const held = await shards.reachable(async (shard) => doneOf(await shard.claimDue({ ...command, limit: 0 })));
  const claimed = held.flatMap(([, { value }]) => value);
  if (claimed.length > 0) return answer(claimed.toSorted(byId), held[0]?.[1].sequence ?? 0);

  const limit = Math.min(command.limit, maxClaimRows);
  const { target } = command;
  const offers = (await shards.reachable((shard) => shard.listDue({ target, limit }))).flatMap(([number, due]) =>
    due.map((lease) => ({ ...lease, number })),
  );
  const chosen = offers.toSorted(byUrgency).slice(0, limit);
  const shares = Map.groupBy(chosen, ({ number }) => number);
  const done = await shards.reachable(async (shard, number) => {
    const share = shares.get(number);
    return share === undefined ? null : doneOf(await shard.claimDue({ ...command, limit: share.length }));
  });
  const place = new Map(chosen.map(({ leaseId }, index) => [leaseId, index]));
  const placeOf = ({ id }: Lease): number => place.get(id) ?? chosen.length;
  const leases = done
    .flatMap(([, share]) => share?.value ?? [])
    .toSorted((left, right) => placeOf(left) - placeOf(right));
  return answer(leases, done.find(([, share]) => share !== null)?.[1]?.sequence ?? held[0]?.[1].sequence ?? 0);
}

const byId = (left: Lease, right: Lease): number => (left.id < right.id ? -1 : 1);
const byUrgency = (left: DueLease, right: DueLease): number =>
  left.rank - right.rank || left.dueAt - right.dueAt || (left.leaseId < right.leaseId ? -1 : 1);

interface Swept {
  readonly done: number;
  readonly more: boolean;
}

/** One shard after the other, until the bound is reached. A shard that does not answer has more, but not now. */
async function sweepShards(
  shards: Shards,
  bound: number,
  page: (shard: ShardLedger, limit: number) => Promise<Answer<Swept, never>>,
): Promise<Done<Swept>> {
  let [done, more, sequence, answered] = [0, false, 0, 0];
  for (let number = 0; number < shards.count; number += 1) {
    if (done >= bound) {
      more = true;
      break;
    }
    try {
      // oxlint-disable-next-line no-await-in-loop -- what is left of the bound shows only now
      const swept = doneOf(await page(shards.at(number), bound - done));
      done += swept.value.done;
      more ||= swept.value.more;
      sequence = answered === 0 ? swept.sequence : sequence;
      answered += 1;
    } catch {
      // The next sweep finds it.
    }
  }
  if (answered === 0) throw new OutcomeUnknown("shard_unreachable");
  return { value: { done, more }, sequence };
}

const mapped = <T, R>(answered: Answer<T, never>, map: (value: T) => R): Answer<R, never> =>
  answered.kind === "ok" ? answer(map(answered.value), answered.sequence) : answered;

type Page<K extends string> = Promise<Answer<Record<K, number> & { more: boolean }, never>>;

export async function closeOverdueTasks(shards: Shards, limit: number): Page<"closed"> {
  const page = async (shard: ShardLedger, bound: number) =>
    mapped(await shard.closeOverdueTasks(bound), ({ closed, more }) => ({ done: closed, more }));
  const { value, sequence } = await sweepShards(shards, limit, page);
  return answer({ closed: value.done, more: value.more }, sequence);
}

export async function expandKillOrders(shards: Shards, limit: number): Page<"madeDue"> {
  const page = async (shard: ShardLedger, bound: number) =>
    mapped(await shard.expandKillOrders(bound), ({ madeDue, more }) => ({ done: madeDue, more }));
  const { value, sequence } = await sweepShards(shards, limit, page);
  return answer({ madeDue: value.done, more: value.more }, sequence);
}

export async function purge(shards: Shards, limit: number): Page<"purged"> {
  const page = async (shard: ShardLedger, bound: number) =>
    mapped(await shard.purge(bound), ({ purged, more }) => ({ done: purged, more }));
  const { value, sequence } = await sweepShards(shards, limit, page);
  return answer({ purged: value.done, more: value.more }, sequence);
}

export const releaseClaim = (
  shards: Shards,
  command: { readonly fence: string },
): Promise<Answer<{ released: number }, never>> =>
  everywhere(
    shards,
    (shard) => shard.releaseClaim(command),
    (all) => ({ released: all.reduce((total, { released }) => total + released, 0) }),
  );

/** Any that did not answer leaves the whole unknown, and setting it again is harmless. */
export const setTarget = (shards: Shards, command: SetTarget): Promise<Answer<TargetState, never>> =>
  everywhere(shards, (shard) => shard.setTarget(command), mergeTargets);

export async function listTargets(shards: Shards): Promise<readonly TargetState[]> {
  const states = (await shards.all((shard) => shard.listTargets())).flat();
  const byName = [...Map.groupBy(states, ({ target }) => target).values()];
  return byName.map(mergeTargets).toSorted((left, right) => (left.target < right.target ? -1 : 1));
}
