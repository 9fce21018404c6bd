/**
 * A round with a credential that nobody gets: check, record, mint, use, kill, use again. It takes the way of every
 * credential, intent first and dead by the kill path, so that it shows what they will meet, and a crash in it leaves what a
 * crash of theirs would: a lease that is due.
 */
import { reportLease } from "../../domain/lease-report.ts";
import { isDying } from "../../domain/lease-transition.ts";
import type { Lease } from "../../domain/lease.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { addMillis, earliest, millis, secondsToMillis } from "../../kernel/time.ts";
import type { Minted, MintOutcome, Provider } from "../../ports/provider.ts";
import { isOperator } from "../callers/may.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import { intentCommand, type Planned } from "../issue/intent.ts";
import { callProvider, completion } from "../issue/mint.ts";
import type { BrokerParts, Caller } from "../parts.ts";
import { planTest, type ProviderTestRequest } from "./plan-test.ts";
import { problemOf } from "./providers.ts";

export interface TestStep {
  readonly name: "check" | "record" | "mint" | "use" | "kill" | "use_after";
  readonly outcome: "ok" | "failed" | "not_asked";
  readonly seconds: number;
  /** The broker's own words. */
  readonly detail: string;
  readonly fix: string | null;
}

export interface ProviderTest {
  readonly leaseId: LeaseId | null;
  readonly steps: readonly TestStep[];
  /** A working credential was seen dead after its kill. */
  readonly killSeen: boolean;
}

const longestKillMillis = 30_000;
const lookMillis = millis(100);

/** A step that begins, or one that is over. */
export type TestNews = { readonly began: TestStep["name"] } | { readonly ended: TestStep };

/** All that can be refused was; nothing is made before it runs, once. A stop waits for it. */
export interface TestRound {
  run(tell?: (news: TestNews) => void): Promise<ProviderTest>;
}

export function testProvider(
  parts: BrokerParts,
  caller: Caller,
  request: ProviderTestRequest,
): Result<TestRound, Fault> {
  if (!isOperator(caller, "policy")) return err({ code: "not_found" });
  const planned = planTest(parts, caller, request);
  if (!planned.ok) return planned;
  return ok({ run: (tell = () => {}) => parts.inFlight.track(runAndReport(parts, planned.value, tell)) });
}

async function runAndReport(
  parts: BrokerParts,
  planned: Planned,
  tell: (news: TestNews) => void,
): Promise<ProviderTest> {
  const steps = createSteps(parts, tell);
  const leaseId = await runRound(parts, planned, steps);
  const killSeen = steps.taken.some(({ name, outcome }) => name === "use_after" && outcome === "ok");
  return { leaseId, steps: steps.taken, killSeen };
}

type Steps = ReturnType<typeof createSteps>;

/** Each step with the time since the one before. */
function createSteps({ clock }: Pick<BrokerParts, "clock">, tell: (news: TestNews) => void) {
  const taken: TestStep[] = [];
  let since = clock.monotonicMillis();
  return {
    taken,
    begin: (name: TestStep["name"]): void => tell({ began: name }),
    add(name: TestStep["name"], outcome: TestStep["outcome"], detail: string, fix: string | null = null): void {
      const now = clock.monotonicMillis();
      const step = { name, outcome, seconds: (now - since) / 1000, detail, fix };
      since = now;
      taken.push(step);
      tell({ ended: step });
    },
  };
}

/** Answers the lease, if one was recorded. Ends with the first step that fails. */
async function runRound(parts: BrokerParts, planned: Planned, steps: Steps): Promise<LeaseId | null> {
  steps.begin("check");
  const problem = await problemOf(parts, planned.provider);
  if (problem !== null) {
    const fix = "check its options, its secret and the network; the provider's README names what it needs";
    steps.add("check", "failed", `it does not answer as it should: ${problem}`, fix);
    return null;
  }
  steps.add("check", "ok", "the system answers, and knows the broker");
  steps.begin("record");
  parts.providers.announce(planned.leaseId);
  const recorded = await parts.ledger.recordIntent(intentCommand(parts, planned));
  if (recorded.kind !== "ok") {
    const why = recorded.kind === "conflict" ? recorded.conflict.reason : "store";
    steps.add(
      "record",
      "failed",
      `the ledger takes no intent: ${why}`,
      "`mayfly targets ls` and `mayfly door ls` tell more",
    );
    return null;
  }
  const { lease } = recorded.value;
  steps.add("record", "ok", "the intent is durable");
  const expiresAt = earliest(
    lease.expiresAt,
    addMillis(parts.clock.now(), secondsToMillis(planned.decision.ttlSeconds)),
  );
  steps.begin("mint");
  const outcome = await callProvider(parts, planned, { expiresAt, abortAt: lease.mintAbortAt });
  if (outcome.kind !== "minted") return notMinted(parts, planned, outcome, steps);
  steps.add("mint", "ok", mintedDetail(outcome.minted, parts));
  steps.begin("use");
  const command = await completion(parts, planned, lease, outcome.minted, expiresAt);
  outcome.minted.credential.value.wipe();
  await parts.ledger.completeMint(command);
  tellUse(steps, planned.provider, command.provenAlive, command.rejectAs !== null);
  await endIt(parts, planned, steps);
  return lease.id;
}

async function notMinted(
  parts: BrokerParts,
  { leaseId, caller }: Planned,
  outcome: Exclude<MintOutcome, { kind: "minted" }>,
  steps: Steps,
): Promise<LeaseId> {
  const { reason } = outcome;
  const cause = causeOf(caller);
  if (outcome.kind === "rejected") await parts.ledger.failMint({ leaseId, reason, cause });
  else await parts.ledger.makeDue({ leaseId, killCause: "outcome_unknown", delay: millis(0), cause });
  const said = outcome.kind === "rejected" ? "the provider refused" : "nobody knows whether it was made; it is revoked";
  steps.add(
    "mint",
    "failed",
    `${said}: ${reason}`,
    "the provider's README explains its reasons and the rights it needs",
  );
  return leaseId;
}

function mintedDetail({ nativeExpiresAt, granted, nearLimit }: Minted, { clock }: BrokerParts): string {
  const life = Math.max(0, Math.round((nativeExpiresAt - clock.now()) / 1000));
  const word = granted === null ? "it does not say what it granted" : "it granted what was asked";
  const near =
    nearLimit === undefined ? "" : `; it took ${nearLimit.percent} % of ${nearLimit.limit}, and above 100 % is refused`;
  return `it would live ${life} s by itself; ${granted?.wider === true ? "it granted more than was asked" : word}${near}`;
}

function tellUse(steps: Steps, provider: Provider, isAlive: boolean, isRejected: boolean): void {
  if (isRejected)
    steps.add("use", "failed", "it goes beyond what was asked, and is not used", "narrow what the provider may grant");
  else if (isAlive) steps.add("use", "ok", "it works");
  else if (provider.probe === undefined) steps.add("use", "not_asked", "this provider has no way to ask");
  else
    steps.add(
      "use",
      "failed",
      "it could not be seen to work",
      "without it no kill counts as verified; check the probe's rights",
    );
}

/** Killed as every other: by whoever works on the target. */
async function endIt(parts: BrokerParts, { leaseId, taskId, caller, provider }: Planned, steps: Steps): Promise<void> {
  steps.begin("kill");
  await parts.ledger.makeDue({ leaseId, killCause: "requested", delay: millis(0), cause: causeOf(caller) });
  const lease = await untilDead(parts, leaseId, taskId);
  if (lease?.state.kind !== "revoked") {
    const report = lease === undefined ? null : reportLease(lease, "closed", parts.clock.now());
    const detail = `${report?.verdict ?? "lost"}${report?.reason ? `: ${report.reason}` : ""}`;
    steps.add(
      "kill",
      "failed",
      `it is not dead: ${detail}`,
      report?.fix ?? "the broker goes on trying; `mayfly targets ls` tells",
    );
    return;
  }
  const { verdict } = lease.state;
  steps.add("kill", "ok", `dead by the kill path (${verdict})`);
  if (verdict === "dead-verified") steps.add("use_after", "ok", "it was asked once more, and refused");
  else if (provider.probe === undefined) steps.add("use_after", "not_asked", "this provider has no way to ask");
  else
    steps.add(
      "use_after",
      "failed",
      "it was not seen refused",
      "the kill is the provider's word only; check the probe's rights",
    );
}

async function untilDead(
  { ledger, clock, changes }: BrokerParts,
  leaseId: LeaseId,
  taskId: Planned["taskId"],
): Promise<Lease | undefined> {
  const until = clock.monotonicMillis() + longestKillMillis;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- looks again after each change
    const lease = (await ledger.readLease(leaseId))?.lease;
    const mayStillDie = lease?.state.kind === "active" || (lease !== undefined && isDying(lease.state));
    if (!mayStillDie || lease.state.kind === "stuck" || clock.monotonicMillis() >= until) return lease;
    // oxlint-disable-next-line no-await-in-loop -- as above
    await changes.next(taskId, lookMillis);
  }
}
