/** The kill path and time of a random run: sweeps, claims, verdicts, targets, and clocks that move, jump and stop. */
import { mayExpire } from "../../../src/domain/lease-transition.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import { addMillis, epochMillis, millis, type EpochMillis } from "../../../src/kernel/time.ts";
import { unreachable } from "../../../src/kernel/unreachable.ts";
import { broker, fingerprintOf, operator } from "../../support/builders.ts";
import type { Pair } from "./lockstep-pair.ts";
import type { VerdictChoice } from "./lockstep-steps.ts";
import { pick, targetOf, type Run, type StepOf } from "./lockstep-world.ts";

export async function sweepBoth(pair: Pair): Promise<void> {
  await pair.drainBoth((ledger) => ledger.closeOverdueTasks(100));
  await pair.drainBoth((ledger) => ledger.expandKillOrders(7));
}

export async function runKillStep(run: Run, step: StepOf<"claim" | "verdict" | "release">): Promise<unknown> {
  const { pair, claims } = run;
  const { now } = await pair.model.ledger.health();
  if (step.kind === "claim") {
    const due = pick((await pair.model.ledger.dueWork()).targets, step.target);
    const fence = fingerprintOf(`fence-${run.build.ids.request()}`);
    const target = due?.target ?? targetOf(step.target);
    const command = { target, limit: step.limit, claim: millis(step.claimMillis), fence };
    const answer = await pair.both((ledger) => ledger.claimDue(command));
    const leases = answer.kind === "ok" ? answer.value.map((lease) => lease.id) : [];
    if (leases.length > 0) claims.push({ fence, leases, until: addMillis(now, step.claimMillis) });
    return step.twice && leases.length === 1 && pair.both((ledger) => ledger.claimDue(command));
  }
  const claim = pick(claims.toReversed(), step.claimAt);
  if (claim === undefined) return undefined;
  if (step.kind === "release")
    return now < claim.until && pair.both((ledger) => ledger.releaseClaim({ fence: claim.fence }));
  const leaseId = pick(claim.leases, step.leaseAt);
  const lease = leaseId && (await pair.model.ledger.readLease(leaseId))?.lease;
  if (!lease) return undefined;
  const outcome = outcomeOf(step.verdict, lease, now);
  const jitter = step.jitterPercent / 100;
  return pair.both((ledger) => ledger.recordVerdict({ leaseId: lease.id, fence: claim.fence, outcome, jitter }));
}

export async function work(run: Run, { verdicts }: StepOf<"work">): Promise<void> {
  await sweepBoth(run.pair);
  const before = run.claims.length;
  await runKillStep(run, { kind: "claim", target: 0, limit: 50, claimMillis: 30_000, twice: false });
  for (const [leaseAt] of run.claims[before]?.leases.entries() ?? []) {
    const verdict = pick(verdicts, leaseAt) ?? "retry";
    // oxlint-disable-next-line no-await-in-loop -- both ledgers see one verdict at a time
    await runKillStep(run, { kind: "verdict", claimAt: 0, leaseAt, verdict, jitterPercent: 50 });
  }
}

/** Natural expiry too early would be the caller's bug; the broker asks the provider again instead. */
function outcomeOf(choice: VerdictChoice, lease: Lease, now: EpochMillis): Verdict | { kind: "native_expiry" } {
  switch (choice) {
    case "pending":
      return { kind: "pending", until: addMillis(now, 20_000) };
    case "expires-only":
      return { kind: "expires-only", at: lease.nativeExpiresAt };
    case "retry":
      return { kind: "retry", reason: "timeout" };
    case "refused":
      return { kind: "refused", reason: "denied", fix: "grant" };
    case "native_expiry":
      return mayExpire(lease, now)
        ? { kind: "native_expiry" }
        : { kind: "retry", reason: "timeout", after: millis(60_000) };
    case "dead-verified":
    case "dead-unverified":
    case "already-gone":
      return { kind: choice };
    default:
      return unreachable(choice);
  }
}

export async function setTarget({ pair }: Run, step: StepOf<"target">): Promise<void> {
  const { now } = await pair.model.ledger.health();
  const open = { kind: "open", until: epochMillis(now + 20_000), reason: "timeouts" } as const;
  const breaker = step.breaker === "open" ? open : step.breaker === "closed" ? ({ kind: "closed" } as const) : null;
  const { paused, resetBackoff } = step;
  const command = { target: targetOf(step.target), breaker, paused, resetBackoff, cause: broker };
  await pair.both((ledger) => ledger.setTarget(command));
  // An engine may reset backoff at once or in a sweep; nobody looks in between.
  await pair.drainBoth((ledger) => ledger.expandKillOrders(100));
}

export async function runTimeStep(
  pair: Pair,
  step: StepOf<"advance" | "pass" | "jump" | "accept" | "outage">,
): Promise<void> {
  if (step.kind === "accept") return void (await pair.both((ledger) => ledger.acceptClock(operator)));
  await pair.note();
  if (step.kind === "jump") {
    await pair.onBoth(({ clock }) => clock.jumpWall(step.millis));
    return pair.note();
  }
  const span = step.kind === "pass" ? await untilNext(pair, step.offsetMillis) : step.millis;
  await pair.onBoth(({ clock }) => clock.advance(span));
  if (step.kind === "outage") return pair.onBoth((harness) => harness.restart());
  // Markers end by time or by purge; nobody looks in between.
  if (span > 24 * 3_600_000) await pair.drainBoth((ledger) => ledger.purge(50));
}

/** Capped well below a day, so that many of them never reach what only a purge decides. */
async function untilNext({ model }: Pair, offsetMillis: number): Promise<number> {
  const { now, nextAt } = await model.ledger.dueWork();
  return Math.min(600_000, Math.max(0, (nextAt ?? now) - now + offsetMillis));
}
