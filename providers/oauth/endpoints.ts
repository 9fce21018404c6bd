/** The endpoints of one authorization server, from its metadata (RFC 8414 §2) and the operator's overrides. */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { OAuthOptions } from "./options.ts";

export interface Endpoints {
  readonly token: string;
  readonly revocation: string | null;
  readonly introspection: string | null;
  /** As published; null without discovery. */
  readonly metadata: Metadata | null;
}
export type Metadata = Readonly<Record<string, unknown>>;

export type EndpointFault = "metadata_malformed" | "issuer_mismatch" | "no_token_endpoint";

/** RFC 8414 §3.1 puts the well-known part before the issuer's path, OpenID Connect Discovery §4 behind it. */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

export function endpointsOf(options: OAuthOptions, metadata: Metadata | null): Result<Endpoints, EndpointFault> {
  if (metadata !== null && metadata["issuer"] !== options.issuer) return err("issuer_mismatch");
  const named = (override: string | undefined, member: string): string | null | undefined => {
    const value = override ?? metadata?.[member] ?? null;
    return value === null ? null : usableUrl(value, options.issuer);
  };
  const token = named(options.endpoints.token, "token_endpoint");
  const revocation = named(options.endpoints.revocation, "revocation_endpoint");
  const introspection = named(options.endpoints.introspection, "introspection_endpoint");
  if (token === undefined || revocation === undefined || introspection === undefined) return err("metadata_malformed");
  return token === null ? err("no_token_endpoint") : ok({ token, revocation, introspection, metadata });
}

/** Our client credentials go there: never from an https issuer to a plain http endpoint. */
function usableUrl(value: unknown, issuer: string): string | undefined {
  if (typeof value !== "string" || !URL.canParse(value)) return undefined;
  const { protocol, hash } = new URL(value);
  const isSafe = protocol === "https:" || (protocol === "http:" && issuer.startsWith("http:"));
  return isSafe && hash === "" ? value : undefined;
}
