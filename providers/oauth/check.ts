/**
 * Compares what the operator declared with what the server publishes, and tries the broker's client authentication on
 * a token that cannot exist. Changes nothing. Answers short texts for people, none of them the server's.
 */
import { base64UrlFromBytes } from "../../src/kernel/base64url.ts";
import { millis } from "../../src/kernel/time.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { call, type Client } from "./call.ts";
import type { Endpoints, Metadata } from "./endpoints.ts";
import { missingKillPath } from "./mint.ts";
import type { ComparedMember, OAuthOptions } from "./options.ts";

const timeout = millis(4_000);

export async function checkOAuth(
  client: Client,
  randomBytes: (length: number) => Uint8Array,
  signal: AbortSignal,
): Promise<Result<void, string>> {
  const { options } = client;
  const endpoints = await client.discovery.refresh();
  if (!endpoints.ok) return err(`discovery of ${options.issuer}: ${endpoints.fault.reason}`);
  const missing = missingKillPath(options, endpoints.value);
  if (missing !== undefined) return err(`${missing}: set it by option, or declare less (revocation, introspection)`);
  const mismatch = mismatchOf(options, endpoints.value.metadata);
  if (mismatch !== undefined) return err(mismatch);
  return checkAuthentication(
    client,
    endpoints.value,
    new Redacted(base64UrlFromBytes(randomBytes(32)), "no token"),
    signal,
  );
}

/** What a server leaves out of its metadata is not held against it: many leave out much. */
function mismatchOf(options: OAuthOptions, metadata: Metadata | null): string | undefined {
  const lists = (member: ComparedMember, value: string): boolean => {
    const values = metadata?.[member];
    if (!Array.isArray(values) || options.ignoreMetadata.includes(member)) return true;
    return (values as unknown[]).includes(value);
  };
  const { method } = options.clientAuth;
  if (!lists("grant_types_supported", "client_credentials"))
    return "the server does not offer the client_credentials grant";
  for (const endpoint of ["token", "revocation", "introspection"] as const)
    if (!lists(`${endpoint}_endpoint_auth_methods_supported`, method))
      return `the server's ${endpoint} endpoint does not take ${method}`;
  return undefined;
}

async function checkAuthentication(
  client: Client,
  endpoints: Endpoints,
  token: Redacted,
  signal: AbortSignal,
): Promise<Result<void, string>> {
  const url = endpoints.introspection ?? endpoints.revocation;
  if (url === null) return ok();
  const answer = await call(client, { url, endpoints, fields: { token }, timeout, signal });
  if (answer.kind === "failed") return err(`the authorization server did not answer: ${answer.fault.reason}`);
  const { status, error } = answer;
  if (status === 401 || error === "invalid_client")
    return err("the authorization server refuses the broker's client authentication");
  const understood = status === 200 || error === "unsupported_token_type";
  return understood ? ok() : err(`the authorization server answered ${status}${error === null ? "" : ` ${error}`}`);
}
