/**
 * Mints with the client_credentials grant (RFC 6749 §4.4), once: a second request would make a second token that no one
 * can name. Refuses to ask for what this server could not take back.
 */
import { mintMarginMillis, mintTimeoutMillis } from "../../src/kernel/limits.ts";
import { addMillis, millis } from "../../src/kernel/time.ts";
import type { MintOutcome, MintPlan, MintRequest } from "../../src/ports/provider.ts";
import { call, type CallAnswer, type Client } from "./call.ts";
import type { Endpoints } from "./endpoints.ts";
import type { OAuthOptions } from "./options.ts";
import type { OAuthScope } from "./scope.ts";
import { readTokenAnswer } from "./token-answer.ts";

/** Nothing about a token is known before the answer; its life begins at the latest when the call is given up. */
export const planOAuth = (options: OAuthOptions): MintPlan => ({
  handle: { client_id: options.clientId },
  worstCaseTtl: millis(options.maxTokenSeconds * 1000 + mintTimeoutMillis + mintMarginMillis),
});

export async function mintOAuth(client: Client, request: MintRequest<OAuthScope>): Promise<MintOutcome> {
  const { options } = client;
  const endpoints = await client.discovery.endpoints();
  if (!endpoints.ok) return { kind: "rejected", reason: endpoints.fault.reason, retryable: true };
  const missing = missingKillPath(options, endpoints.value);
  if (missing !== undefined) return { kind: "rejected", reason: missing, retryable: false };
  const { scopes, resource } = request.scope;
  const answer = await call(client, {
    url: endpoints.value.token,
    endpoints: endpoints.value,
    fields: {
      grant_type: "client_credentials",
      scope: scopes.join(" "),
      ...(resource === null ? {} : { resource }),
    },
    timeout: millis(mintTimeoutMillis),
    signal: request.signal,
  });
  return answer.kind === "answered" && answer.status === 200 ? minted(client, request, answer) : notMinted(answer);
}

/** Never mint what cannot be killed. */
export function missingKillPath(options: OAuthOptions, endpoints: Endpoints): string | undefined {
  if (options.revocation === "immediate" && endpoints.revocation === null) return "no_revocation_endpoint";
  if (options.introspection && endpoints.introspection === null) return "no_introspection_endpoint";
  return undefined;
}

type Answered = Extract<CallAnswer, { kind: "answered" }>;

function minted(client: Client, request: MintRequest<OAuthScope>, answer: Answered): MintOutcome {
  const { options } = client;
  const read = readTokenAnswer(answer.body, request.scope, options);
  if (read === undefined) return { kind: "unknown", reason: "unreadable_answer" };
  const { token, lifetimeSeconds, granted } = read;
  return {
    kind: "minted",
    minted: {
      credential: { kind: "bearer", value: token, tokenType: "Bearer" },
      handle: request.handle,
      secretToKeep: options.revocation === "immediate" ? token : null,
      findByFingerprint: true,
      // Counted from the answer, not from the request: the token is at least as old as that.
      nativeExpiresAt: addMillis(client.now(), lifetimeSeconds * 1000),
      granted,
    },
  };
}

/** These say by themselves that the request was not acted upon; other 4xx do so only with an OAuth error. */
const surelyRejected = new Set([400, 401, 403, 404, 405, 413, 415, 429]);

function notMinted(answer: CallAnswer): MintOutcome {
  if (answer.kind === "failed") {
    const { reason, maybeSent } = answer.fault;
    return maybeSent ? { kind: "unknown", reason } : { kind: "rejected", reason, retryable: reason !== "refused_url" };
  }
  const { status, error } = answer;
  const isClientError = status >= 400 && status < 500 && status !== 408;
  if (!isClientError || (error === null && !surelyRejected.has(status)))
    return { kind: "unknown", reason: `status_${status}` };
  const retryable = status === 429 || error === "temporarily_unavailable";
  return { kind: "rejected", reason: error ?? `status_${status}`, retryable };
}
