/** What is due, now and next, over all shards: a few look-ups a target and shard, whatever the number of leases. */
import type { TargetName } from "../../../domain/names.ts";
import { earlierOf, epochMillis, millis, type EpochMillis, type Millis } from "../../../kernel/time.ts";
import type { DueWork } from "../../../ports/ledger-views.ts";
import { retryMillis, type Agenda, type TargetWork } from "../across-shards/agenda.ts";
import { laterBreaker } from "../../../domain/target-state.ts";
import { breakerFrom } from "../rows/target-row.ts";

type DueTarget = DueWork["targets"][number];

export async function dueWork(agenda: Agenda): Promise<DueWork> {
  const { answered, isOneAway, restNextAt } = await agenda.look();
  const now = epochMillis(Math.max(...answered.map((work) => work.now)));
  const targets = new Map<TargetName, DueTarget>();
  let nextAt: EpochMillis | null = isOneAway ? epochMillis(now + retryMillis) : null;
  if (restNextAt !== null) nextAt = earlierOf(nextAt, epochMillis(restNextAt));
  let sweep = false;
  for (const work of answered) {
    // A wall that was wrong for a while leaves the clocks of shards apart: what is still ahead in a shard whose clock
    // is behind would look overdue, and be asked for again and again.
    const behind = millis(now - work.now);
    sweep ||= work.sweep;
    nextAt = earlierOf(nextAt, work.nextAt === null ? null : epochMillis(work.nextAt + behind));
    for (const one of work.targets.map((target) => dueTargetFrom(target, behind))) {
      const known = targets.get(one.target);
      targets.set(one.target, known === undefined ? one : mergeDue(known, one));
    }
  }
  const sorted = [...targets.values()].toSorted((left, right) => (left.target < right.target ? -1 : 1));
  return { now, targets: sorted, sweep, nextAt };
}

/** As the clock of the answer shows it. */
const dueTargetFrom = ({ target, oldestDueAt, openUntil, why }: TargetWork, behind: Millis): DueTarget => ({
  target,
  oldestDueAt: epochMillis(oldestDueAt + behind),
  breaker: breakerFrom(openUntil, why),
});

const mergeDue = (left: DueTarget, right: DueTarget): DueTarget => ({
  target: left.target,
  oldestDueAt: earlierOf(left.oldestDueAt, right.oldestDueAt) ?? left.oldestDueAt,
  breaker: laterBreaker(left.breaker, right.breaker),
});
