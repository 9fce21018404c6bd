/**
 * Step 3 of an issue: the durable record that comes before any mint (promise P1). Reserves limits, spends the replay
 * marker and takes the idempotency key in the same write. What is not `ok` here mints nothing.
 */
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { homeOfId, homeOfText, type LeaseId, type TaskId } from "../../kernel/ids.ts";
import { attestationSkewMillis, autoTaskSeconds, mintTimeoutMillis } from "../../kernel/limits.ts";
import { err, type Result } from "../../kernel/result.ts";
import { addMillis, millis, seconds, secondsToMillis } from "../../kernel/time.ts";
import { unreachable } from "../../kernel/unreachable.ts";
import type {
  IdempotencyMark,
  IntentConflict,
  IntentRecorded,
  OpenTask,
  RecordIntent,
  ReplayMarker,
} from "../../ports/ledger-commands.ts";
import type { MintPlan, Provider } from "../../ports/provider.ts";
import { commonFault, storeFault } from "../answer-faults.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts } from "../parts.ts";
import type { Decided } from "./decide.ts";
import type { IssueRequest } from "./request.ts";

/** A decided issue with its ids and its plan: all that the remaining steps need. */
export interface Planned extends Decided {
  readonly request: IssueRequest;
  readonly provider: Provider;
  readonly leaseId: LeaseId;
  readonly taskId: TaskId;
  readonly plan: MintPlan;
}

export function planIssue(
  parts: Pick<BrokerParts, "ids" | "providers" | "isHeld">,
  decided: Decided,
  request: IssueRequest,
): Result<Planned, Fault> {
  const provider = parts.providers.current(decided.template.template.provider);
  if (provider === undefined || parts.isHeld?.(decided.template.template.provider) === true)
    return err({ code: "unavailable", why: "provider", retryAfterSeconds: seconds(10) });
  // A repeat must find the key where it was stored: the same key, the same home.
  const home = request.idempotencyKey === null ? undefined : homeOfText(request.idempotencyKey);
  const taskId = decided.task?.id ?? parts.ids.task(home);
  const leaseId = parts.ids.lease(homeOfId(taskId));
  const plan = provider.plan({ leaseId, taskId, scope: decided.decision.scope });
  return { ok: true, value: { ...decided, request, provider, leaseId, taskId, plan } };
}

export function intentCommand(parts: Pick<BrokerParts, "sha256">, planned: Planned): RecordIntent {
  const { caller, template, decision, provider, request, leaseId, taskId, plan } = planned;
  const ttl = secondsToMillis(decision.ttlSeconds);
  const marks = requestMarks(parts, planned);
  return {
    lease: {
      id: leaseId,
      taskId,
      agent: caller.profile.name,
      issuer: caller.identity.issuer,
      template: template.template.name,
      provider: template.template.provider,
      target: template.target,
      providerDigest: provider.digest,
      handle: plan.handle,
      nativeExpiry: template.scope.capabilities.nativeExpiry,
    },
    mintTimeout: millis(mintTimeoutMillis),
    ttl,
    worstCaseTtl: millis(Math.max(ttl, plan.worstCaseTtl)),
    automaticTask: planned.task === null ? automaticTask(planned) : null,
    limits: decision.limits,
    capacity: template.scope.capacity ?? null,
    ...marks,
    replaces: request.replaces,
    demandKillPath: !template.template.issueWhenKillPathBroken,
    cause: causeOf(caller, decision.evidence),
  };
}

/** The task of a `task_id`-less exchange: empty context, ends with its only credential. */
function automaticTask(planned: Planned): OpenTask {
  const { caller, taskId } = planned;
  const { issuer, subject } = caller.identity;
  return {
    task: {
      id: taskId,
      agent: caller.profile.name,
      opener: { agent: caller.profile.name, issuer, subject },
      parentId: null,
      templates: [],
      context: {},
      purpose: null,
      ticket: null,
      automatic: true,
    },
    deadline: millis((planned.decision.ttlSeconds + autoTaskSeconds) * 1000),
    heartbeat: null,
    // Counted by its one lease (`autoTasks`).
    limits: [],
    cause: causeOf(caller),
  };
}

function requestMarks(
  parts: Pick<BrokerParts, "sha256">,
  planned: Planned,
): { replay: ReplayMarker | null; idempotency: IdempotencyMark | null } {
  const { caller, request } = planned;
  const { replay, issuerUrl, expiresAt } = caller.identity;
  if (replay.mode === "reusable" && request.idempotencyKey === null) return { replay: null, idempotency: null };
  const requestDigest = parts.sha256(
    canonicalJson({
      template: request.template,
      task: request.taskId,
      parameters: request.parameters,
      ttl: request.requestedTtlSeconds,
      replaces: request.replaces,
      audience: request.audience,
      resource: request.resource,
      token_type: request.requestedTokenType,
      // A repeat of a once-only token must be the same request under the same key, or it is a replay.
      key: request.idempotencyKey ?? planned.leaseId,
    }),
  );
  // A marker that went before the attestor's tolerance did would let the token in again.
  const unacceptableAt = addMillis(expiresAt, attestationSkewMillis);
  const key = canonicalJson([caller.profile.name, request.taskId, request.idempotencyKey]);
  return {
    replay:
      replay.mode === "once" ? { issuerUrl, tokenId: replay.tokenId, requestDigest, expiresAt: unacceptableAt } : null,
    idempotency: request.idempotencyKey === null ? null : { key: parts.sha256(key), requestDigest },
  };
}

export type IntentAnswer = Awaited<ReturnType<BrokerParts["ledger"]["recordIntent"]>>;

export function intentResult(answer: IntentAnswer, taskId: TaskId): Result<IntentRecorded, Fault> {
  if (answer.kind === "ok") return { ok: true, value: answer.value };
  return err(answer.kind === "unknown" ? storeFault : conflictFault(answer.conflict, taskId));
}

function conflictFault(conflict: IntentConflict, taskId: TaskId): Fault {
  switch (conflict.reason) {
    case "gate_closed":
    case "suspended":
    case "not_found":
    case "limit_reached":
      return commonFault(conflict, taskId);
    case "replayed":
      return { code: "replayed" };
    case "key_reused":
      return { code: "key_reused" };
    case "in_flight":
      return { code: "unavailable", why: "request_in_flight", retryAfterSeconds: seconds(1) };
    case "already_delivered":
      return { code: "already_delivered", leaseId: conflict.leaseId };
    case "kill_path_broken":
      return { code: "unavailable", why: "kill_path_broken", retryAfterSeconds: seconds(30) };
    case "id_taken":
      return storeFault;
    default:
      return unreachable(conflict);
  }
}
