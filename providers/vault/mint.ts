/**
 * Mints in one or two steps: the task's own token, then, where a path gives the credential, what it reads there. Each
 * is asked once. A token whose step after failed is ended here, because nobody else could name it; where that cannot be
 * done, the outcome is unknown and carries what was learnt.
 */
import { Redacted } from "../../src/kernel/redacted.ts";
import { mintMarginMillis, mintTimeoutMillis } from "../../src/kernel/limits.ts";
import { addMillis, millis, millisBetween, secondsToMillis } from "../../src/kernel/time.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";
import type { Credential, MintOutcome, MintPlan, MintRequest } from "../../src/ports/provider.ts";
import { isDone, isPassing, membersOf, textsOf } from "./answers.ts";
import type { BrokerAnswer } from "./broker-call.ts";
import { endToken } from "./end-token.ts";
import { handleJson, plannedHandle, type VaultHandle } from "./handle.ts";
import type { VaultOptions } from "./options.ts";
import type { VaultParts } from "./parts.ts";
import { readLeased } from "./read-leased.ts";
import type { VaultScope } from "./scope.ts";
import { readMadeToken, type MadeToken } from "./token-answer.ts";

const timeout = millis(mintTimeoutMillis);

export const planVault = (scope: VaultScope, options: VaultOptions): MintPlan => ({
  handle: handleJson(plannedHandle(scope)),
  worstCaseTtl: millis(options.maxTtlSeconds * 1000 + mintTimeoutMillis + mintMarginMillis),
});

export async function mintVault(
  parts: VaultParts,
  mark: string,
  request: MintRequest<VaultScope>,
): Promise<MintOutcome> {
  const { scope, signal } = request;
  const ttlSeconds = Math.floor(millisBetween(request.now, request.expiresAt) / 1000);
  if (signal.aborted) return { kind: "rejected", reason: "aborted", retryable: true };
  if (ttlSeconds < 1) return { kind: "rejected", reason: "too_short", retryable: false };
  const answer = await createToken(parts, mark, request, ttlSeconds);
  if (!isAnswered(answer)) return notMade(answer);
  const made = readMadeToken(answer.body, ttlSeconds);
  if (made === undefined) return { kind: "unknown", reason: "unreadable_answer" };
  const handle = handleOf(scope, made);
  const seen = made.policies === null ? await lookAtWrapped(parts, made, signal) : made;
  if (seen === undefined) return { kind: "unknown", reason: "wrapped_token_not_seen", handle: handleJson(handle) };
  if (seen.isOrphan !== true) return discard(parts, handle, signal, { reason: "role_not_orphan", retryable: false });
  if (scope.source.kind === "leased" && made.delivered.kind === "token")
    return mintLeased(parts, request, { token: made.delivered.token, made, handle, ttlSeconds });
  return {
    kind: "minted",
    minted: {
      credential: credentialOf(made),
      handle: handleJson(handle),
      secretToKeep: null,
      findByFingerprint: true,
      nativeExpiresAt: addMillis(parts.now(), made.lifetimeSeconds * 1000),
      granted: grantedOf(scope, seen.policies),
    },
  };
}

const createToken = (
  parts: VaultParts,
  mark: string,
  { leaseId, taskId, agent, scope, signal }: MintRequest<VaultScope>,
  ttlSeconds: number,
): Promise<BrokerAnswer> =>
  parts.asBroker({
    verb: "write",
    path: `auth/token/create/${parts.options.tokenRole}`,
    body: {
      policies: scope.policies,
      meta: {
        jit_lease: leaseId,
        jit_task: taskId,
        jit_agent: agent,
        jit_broker: mark,
        ...(scope.source.kind === "leased" && scope.revocation === "immediate" ? { jit_path: scope.source.path } : {}),
      },
      display_name: "mayfly",
      ttl: `${ttlSeconds}s`,
      explicit_max_ttl: `${ttlSeconds}s`,
      renewable: false,
      no_default_policy: true,
      type: "service",
    },
    ...(scope.source.kind === "token" && scope.source.wrapSeconds !== null
      ? { wrapSeconds: Math.min(scope.source.wrapSeconds, ttlSeconds) }
      : {}),
    timeout,
    signal,
  });

const isAnswered = isDone as (answer: BrokerAnswer) => answer is Extract<BrokerAnswer, { kind: "answered" }>;

function handleOf(scope: VaultScope, { accessor, delivered }: MadeToken): VaultHandle {
  const wrapping = delivered.kind === "wrapped" ? delivered.accessor : null;
  return { ...plannedHandle(scope), accessor, wrapping };
}

function credentialOf({ delivered }: MadeToken): Credential {
  if (delivered.kind === "token") return { kind: "bearer", value: delivered.token, tokenType: "Bearer" };
  const value = { wrapping_token: delivered.token.reveal(), ttl_seconds: delivered.ttlSeconds };
  return { kind: "structured", type: "vault-wrapped", value: new Redacted(value, "wrapped vault token") };
}

function grantedOf({ policies }: VaultScope, granted: readonly string[] | null) {
  const given = granted ?? [];
  return { wider: given.some((policy) => !policies.includes(policy)), scope: given.join(" ") };
}

/** The answer of a wrapped creation shows neither policies nor parent. */
async function lookAtWrapped(parts: VaultParts, made: MadeToken, signal: AbortSignal) {
  const body = { accessor: made.accessor };
  const answer = await parts.asBroker({ verb: "write", path: "auth/token/lookup-accessor", body, signal });
  if (!isAnswered(answer)) return undefined;
  const data = membersOf(answer.body, "data");
  return { policies: textsOf(data, "policies"), isOrphan: data["orphan"] === true };
}

interface TaskToken {
  readonly token: Redacted;
  readonly made: MadeToken;
  readonly handle: VaultHandle;
  readonly ttlSeconds: number;
}

async function mintLeased(
  parts: VaultParts,
  { scope, signal }: MintRequest<VaultScope>,
  { token, made, handle, ttlSeconds }: TaskToken,
): Promise<MintOutcome> {
  const read = await readLeased(parts, scope, { token, ttlSeconds, signal });
  switch (read.kind) {
    case "none":
      return discard(parts, handle, signal, read);
    case "unknown": {
      const readOverAt = addMillis(parts.now(), read.isOver ? 0 : secondsToMillis(parts.options.maxRequestSeconds));
      return { kind: "unknown", reason: read.reason, handle: handleJson({ ...handle, readOverAt }) };
    }
    case "leased": {
      // The server ends what it leased with the token that read it, or by its own word.
      const immediate = scope.revocation === "immediate";
      const lifetimeSeconds = immediate ? Math.min(made.lifetimeSeconds, read.lifetimeSeconds) : read.lifetimeSeconds;
      return {
        kind: "minted",
        minted: {
          credential: read.credential,
          handle: handleJson({ ...handle, serverLease: read.serverLease }),
          secretToKeep: null,
          findByFingerprint: true,
          nativeExpiresAt: addMillis(parts.now(), lifetimeSeconds * 1000),
          granted: grantedOf(scope, made.policies),
        },
      };
    }
    default:
      return unreachable(read);
  }
}

/** Ends a token that leads to nothing: certain only once the server does not know it any more. */
async function discard(
  parts: VaultParts,
  handle: VaultHandle,
  signal: AbortSignal,
  why: { readonly reason: string; readonly retryable: boolean },
): Promise<MintOutcome> {
  for (const accessor of [handle.wrapping, handle.accessor]) {
    // oxlint-disable-next-line no-await-in-loop -- what unwraps goes before what it would give
    const left = accessor === null ? null : await endToken(parts, accessor, signal);
    const unread = { ...handle, readOverAt: parts.now() };
    if (left !== null) return { kind: "unknown", reason: why.reason, handle: handleJson(unread) };
  }
  return { kind: "rejected", reason: why.reason, retryable: why.retryable };
}

function notMade(answer: BrokerAnswer): MintOutcome {
  switch (answer.kind) {
    case "no_login":
      return { kind: "rejected", reason: answer.reason, retryable: answer.passing };
    case "failed": {
      const { reason, maybeSent } = answer;
      return maybeSent
        ? { kind: "unknown", reason }
        : { kind: "rejected", reason, retryable: reason !== "refused_url" };
    }
    case "answered": {
      const { status } = answer;
      const isRefusal = status >= 400 && status < 500 && status !== 408;
      if (!isRefusal) return { kind: "unknown", reason: `status_${status}` };
      return { kind: "rejected", reason: refusalOf(status), retryable: isPassing(status) };
    }
    default:
      return unreachable(answer);
  }
}

/** 400 covers a role that does not exist and policies that it may not give. */
const refusalOf = (status: number): string =>
  status === 400 ? "token_role_refuses" : status === 403 ? "not_permitted" : `status_${status}`;
