/**
 * The order of an issue, and nothing else: identify, decide, record the intent, mint, complete the mint, answer.
 *
 * Where the mint is a computation inside the broker it runs first, in memory, and intent and completion are committed
 * together: nothing has left the broker before both are durable. Those of one turn of the event loop are signed in a row
 * and committed as one, which costs less. Everywhere else the intent is durable before the call.
 */
import type { JsonObject } from "../../kernel/canonical-json.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import {
  addMillis,
  earliest,
  millis,
  millisBetween,
  millisToSeconds,
  seconds,
  secondsToMillis,
  type EpochMillis,
} from "../../kernel/time.ts";
import { unreachable } from "../../kernel/unreachable.ts";
import type { KillCause, Lease } from "../../domain/lease.ts";
import type { Task } from "../../domain/task.ts";
import type { CompleteMint } from "../../ports/ledger-commands.ts";
import type { Minted } from "../../ports/provider.ts";
import { storeFault } from "../answer-faults.ts";
import { identify } from "../callers/identify.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";
import type { BoundPolicy } from "../../policy/resources.ts";
import { surrender, surrenderMint } from "../leases/surrender.ts";
import { decide } from "./decide.ts";
import { intentCommand, intentResult, planIssue, type Planned } from "./intent.ts";
import { callProvider, completion } from "./mint.ts";
import type { IssueAnswer, IssueRequest } from "./request.ts";
import { watchWall } from "./wall-watch.ts";

export async function issueCredential(parts: BrokerParts, request: IssueRequest): Promise<Result<IssueAnswer, Fault>> {
  const policy = parts.policy();
  const caller = await identify(parts, policy, request);
  if (!caller.ok) return caller;
  const issued = await issueFor(parts, policy, caller.value, request);
  if (!issued.ok) {
    const { taskId, template } = request;
    await parts.refusals.note(caller.value, { request: "exchange", taskId, names: { template } }, issued.fault);
  }
  return issued;
}

async function issueFor(
  parts: BrokerParts,
  policy: BoundPolicy,
  caller: Caller,
  request: IssueRequest,
): Promise<Result<IssueAnswer, Fault>> {
  const decided = await decide(parts, policy, caller, request);
  if (!decided.ok) return decided;
  const planned = planIssue(parts, decided.value, request);
  if (!planned.ok) return planned;
  const { mintsInProcess } = planned.value.provider.capabilities;
  return mintsInProcess ? issueInProcess(parts, planned.value) : issueFromSystem(parts, planned.value);
}

async function issueFromSystem(parts: BrokerParts, planned: Planned): Promise<Result<IssueAnswer, Fault>> {
  const wall = watchWall(parts.clock);
  parts.providers.announce(planned.leaseId);
  const recorded = intentResult(await parts.ledger.recordIntent(intentCommand(parts, planned)), planned.taskId);
  if (!recorded.ok) return recorded;
  const { lease, task } = recorded.value;
  // The systems live by the wall: a ledger that a wrong clock once drove ahead of it must not lengthen what they make.
  const expiresAt = earliest(lease.expiresAt, boundByWall(parts, planned));
  const outcome = await callProvider(parts, planned, { expiresAt, abortAt: lease.mintAbortAt });
  switch (outcome.kind) {
    case "minted": {
      const minted = wall.dated(outcome.minted, lease);
      const command = await completion(parts, planned, lease, minted, expiresAt);
      return deliver(parts, planned, { task, minted, command, expiresAt });
    }
    case "rejected":
      await parts.ledger.failMint({ leaseId: lease.id, reason: outcome.reason, cause: causeOf(planned.caller) });
      parts.changes.notify(planned.taskId);
      parts.log.warn("mint_rejected", { lease: lease.id, provider: lease.provider, reason: outcome.reason });
      return err({ code: "unavailable", why: "provider", retryAfterSeconds: seconds(outcome.retryable ? 1 : 60) });
    case "unknown":
      await giveUpUnknown(parts, planned, lease, outcome.handle);
      parts.log.warn("mint_unknown", { lease: lease.id, provider: lease.provider, reason: outcome.reason });
      return err({ code: "unavailable", why: "mint_outcome_unknown", retryAfterSeconds: seconds(1) });
    default:
      return unreachable(outcome);
  }
}

async function issueInProcess(parts: BrokerParts, planned: Planned): Promise<Result<IssueAnswer, Fault>> {
  // From the decision on: the wait must not lengthen what it allowed.
  const expiresAt = boundByWall(parts, planned);
  await parts.nextTurn();
  const outcome = await callProvider(parts, planned, { expiresAt, abortAt: null });
  if (outcome.kind !== "minted") return err({ code: "unavailable", why: "provider", retryAfterSeconds: seconds(1) });
  const command = await completion(parts, planned, null, outcome.minted, expiresAt);
  // Both verbs are queued in this turn: the engine applies them in order and commits them together.
  const intent = parts.ledger.recordIntent(intentCommand(parts, planned));
  const completed = parts.ledger.completeMint(command);
  const recorded = intentResult(await intent, planned.taskId);
  if (!recorded.ok) {
    // Where only the intent's answer was lost, the token got through and reaches nobody.
    if ((await completed).kind !== "conflict") await giveUp(parts, planned, "undelivered");
    return recorded;
  }
  return deliver(parts, planned, { task: recorded.value.task, minted: outcome.minted, command, expiresAt }, completed);
}

const boundByWall = (parts: BrokerParts, { decision }: Planned): EpochMillis =>
  addMillis(parts.clock.now(), secondsToMillis(decision.ttlSeconds));

/** Only the one who is told `activated` delivers; anything else is already due or is made due here. */
async function deliver(
  parts: BrokerParts,
  planned: Planned,
  mint: { task: Task; minted: Minted; command: CompleteMint; expiresAt: EpochMillis },
  submitted = parts.ledger.completeMint(mint.command),
): Promise<Result<IssueAnswer, Fault>> {
  const answer = await submitted;
  if (answer.kind === "unknown") {
    await surrenderMint(parts, mint.command);
    return err(storeFault);
  }
  if (answer.kind === "conflict") return err(storeFault);
  if (answer.value.outcome === "closed") return err(await closedFault(parts, planned, mint.command));
  const told = tell(parts, planned, { ...mint, lease: answer.value.lease });
  if (told.expiresInSeconds < 0) {
    // A store that was slow, or a wall that stepped: what is over already helps nobody, and may live on.
    await giveUp(parts, planned, "undelivered");
    return err({ code: "unavailable", why: "over_before_answer", retryAfterSeconds: seconds(1) });
  }
  parts.metrics.count("mayfly_leases_issued_total", { provider: told.lease.provider });
  return ok(told);
}

const giveUp = (parts: BrokerParts, { leaseId, caller }: Planned, killCause: KillCause): Promise<void> =>
  surrender(parts, { leaseId, killCause, delay: millis(0), cause: causeOf(caller) });

/** What was learnt before the outcome was lost is stored with the order: a kill can do more with it. */
function giveUpUnknown(parts: BrokerParts, planned: Planned, lease: Lease, handle?: JsonObject): Promise<void> {
  if (handle === undefined) return giveUp(parts, planned, "outcome_unknown");
  const { id: leaseId, expiresAt, nativeExpiresAt } = lease;
  const nothingElse = { sealed: null, fingerprint: null, provenAlive: false };
  const rejectAs = "outcome_unknown";
  const cause = causeOf(planned.caller);
  return surrenderMint(parts, { leaseId, handle, ...nothingElse, expiresAt, nativeExpiresAt, rejectAs, cause });
}

async function closedFault(parts: BrokerParts, planned: Planned, command: CompleteMint): Promise<Fault> {
  if (command.rejectAs !== null)
    return {
      code: "denied",
      why: "provider_granted_more",
      detail: "the provider granted more than the template allows",
    };
  const view = await parts.ledger.readLease(planned.leaseId);
  if (view?.gate.kind === "closed") return { code: "task_closed", gate: view.gate.reason, taskId: planned.taskId };
  // Not an end, for that stays: the disk is full, or a door was opened again meanwhile.
  return { code: "unavailable", why: "suspended", retryAfterSeconds: seconds(10) };
}

/** Never later than the truth: our bound or the provider's own, whichever is first, rounded down. */
function tell(
  parts: BrokerParts,
  planned: Planned,
  issued: { task: Task; minted: Minted; lease: Lease; expiresAt: EpochMillis },
): IssueAnswer {
  const { lease, minted, task } = issued;
  const boundAt = earliest(lease.expiresAt, issued.expiresAt);
  const endsAt = earliest(boundAt, lease.nativeExpiresAt);
  const nativeWins = lease.nativeExpiresAt < boundAt - 999;
  return {
    credential: minted.credential,
    lease,
    task,
    template: planned.template.template.name,
    parameters: planned.decision.parameters,
    expiresInSeconds: millisToSeconds(millisBetween(parts.clock.now(), endsAt)),
    ttlBound: nativeWins ? "provider" : planned.decision.ttlBound,
    providerExpiresAt: lease.nativeExpiresAt,
    revocation: planned.template.scope.capabilities.revocation,
  };
}
