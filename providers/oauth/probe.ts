/**
 * Whether the server still honours a token, by introspection (RFC 7662). `active: false` is also what a client hears
 * that may not ask, so it proves a death only after `active: true` was heard for the same token.
 */
import { millis } from "../../src/kernel/time.ts";
import type { ProbeAnswer, ProbeRequest } from "../../src/ports/provider.ts";
import { call, type Client } from "./call.ts";

const timeout = millis(4_000);

export async function probeOAuth(
  client: Client,
  { secret, signal }: Pick<ProbeRequest, "secret" | "signal">,
): Promise<ProbeAnswer> {
  if (secret === null) return { kind: "unclear", reason: "no_secret" };
  const endpoints = await client.discovery.endpoints();
  if (!endpoints.ok) return { kind: "unclear", reason: endpoints.fault.reason };
  const url = endpoints.value.introspection;
  if (url === null) return { kind: "unclear", reason: "no_introspection_endpoint" };
  const fields = { token: secret, token_type_hint: "access_token" };
  const answer = await call(client, { url, endpoints: endpoints.value, fields, timeout, signal });
  if (answer.kind === "failed") return { kind: "unclear", reason: answer.fault.reason };
  const active = answer.status === 200 ? answer.body?.["active"] : undefined;
  if (active === true) return { kind: "alive" };
  if (active === false) return { kind: "dead" };
  return { kind: "unclear", reason: answer.error ?? `status_${answer.status}` };
}
