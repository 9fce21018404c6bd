/**
 * Revokes a token at its server (RFC 7009) and looks whether it is dead. The server answers 200 for a revoked, an
 * unknown and a foreign token alike, so 200 alone proves nothing: where introspection is configured it has the last
 * word. Every step may be repeated.
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import { millis } from "../../src/kernel/time.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";
import type { RevokeRequest } from "../../src/ports/provider.ts";
import { call, type CallAnswer, type Client } from "./call.ts";
import { probeOAuth } from "./probe.ts";

const timeout = millis(4_000);

export async function revokeOAuth(client: Client, request: RevokeRequest): Promise<Verdict> {
  const { lease, secret, signal } = request;
  const onlyExpires: Verdict = { kind: "expires-only", at: lease.nativeExpiresAt };
  // Without the token itself there is nothing to send: it was never learnt, or it was not kept because this server
  // cannot take it back.
  if (secret === null || client.options.revocation === "expiry-only") return onlyExpires;
  const endpoints = await client.discovery.endpoints();
  if (!endpoints.ok) return { kind: "retry", reason: endpoints.fault.reason, after: endpoints.fault.retryAfter };
  const url = endpoints.value.revocation;
  if (url === null)
    return refused(
      "no_revocation_endpoint",
      "set revocationEndpoint, or revocation: expiry-only if the server has none",
    );
  const fields = { token: secret, token_type_hint: "access_token" };
  const answer = await call(client, { url, endpoints: endpoints.value, fields, timeout, signal });
  if (answer.kind === "failed") return { kind: "retry", reason: answer.fault.reason };
  if (answer.status === 200 || answer.status === 204) return afterRevocation(client, request);
  if (answer.error === "unsupported_token_type") return onlyExpires;
  return notRevoked(answer);
}

async function afterRevocation(client: Client, request: RevokeRequest): Promise<Verdict> {
  // The operator declared that this server's word is to be trusted; reports say that nobody looked.
  if (!client.options.introspection) return { kind: "dead-unverified" };
  const probe = await probeOAuth(client, request);
  switch (probe.kind) {
    case "dead":
      return { kind: request.lease.provenAlive ? "dead-verified" : "dead-unverified" };
    case "alive":
      return { kind: "retry", reason: "still_active_after_revocation", of: "lease" };
    case "unclear":
      return { kind: "retry", reason: `not_verified_${probe.reason}` };
    default:
      return unreachable(probe);
  }
}

function notRevoked({ status, error, retryAfter }: Extract<CallAnswer, { kind: "answered" }>): Verdict {
  const passes = status >= 500 || [408, 409, 425, 429].includes(status) || error === "temporarily_unavailable";
  if (passes || error === "server_error")
    return { kind: "retry", reason: `status_${status}`, ...(retryAfter === undefined ? {} : { after: retryAfter }) };
  if (error === "invalid_client" || status === 401)
    return refused(
      "invalid_client",
      "let the authorization server accept the broker's client authentication again: its registered keys, or the client secret",
    );
  if (error === "unauthorized_client" || status === 403)
    return refused(
      "unauthorized_client",
      "allow the broker's client to revoke its own tokens at the authorization server",
    );
  return refused(error ?? `status_${status}`, "check revocationEndpoint and that the token's own client revokes it");
}

const refused = (reason: string, fix: string): Verdict => ({ kind: "refused", reason, fix });
