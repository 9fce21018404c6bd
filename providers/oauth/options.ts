/**
 * Options of the `oauth` provider. What a server can do must be known without asking it, because policy decides by it
 * at load: so `accessTokens`, `revocation` and `introspection` are the operator's word, and `check` compares them
 * with the server's metadata.
 */
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { Result } from "../../src/kernel/result.ts";
import { seconds, type Seconds } from "../../src/kernel/time.ts";
import { readMembers, type Members } from "../shared/members.ts";

export interface OAuthOptions {
  /** Compared exactly with the metadata's `issuer` (RFC 8414 §3.3). */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientAuth: ClientAuthOptions;
  readonly discovery: boolean;
  /** Published lists that the operator knows to be incomplete; `check` does not hold them against the server. */
  readonly ignoreMetadata: readonly ComparedMember[];
  /** Each beats what discovery says. */
  readonly endpoints: {
    readonly token: string | undefined;
    readonly revocation: string | undefined;
    readonly introspection: string | undefined;
  };
  readonly accessTokens: "opaque" | "jwt";
  readonly revocation: "immediate" | "expiry-only";
  readonly introspection: boolean;
  readonly maxTokenSeconds: Seconds;
}

export type ClientAuthOptions =
  | { readonly method: "client_secret_basic"; readonly secret: JsonObject; readonly encoding: "form" | "none" }
  | { readonly method: "client_secret_post"; readonly secret: JsonObject }
  /** Without a key of its own: signed by the broker's ring. */
  | {
      readonly method: "private_key_jwt";
      readonly key: JsonObject | undefined;
      readonly audience: (typeof audiences)[number];
    };

const methods = ["private_key_jwt", "client_secret_basic", "client_secret_post"] as const;
const audiences = ["issuer", "token_endpoint", "called_endpoint"] as const;
/** Lists of RFC 8414 §2 that `check` compares with the options. */
const comparedMembers = [
  "grant_types_supported",
  "token_endpoint_auth_methods_supported",
  "revocation_endpoint_auth_methods_supported",
  "introspection_endpoint_auth_methods_supported",
] as const;
export type ComparedMember = (typeof comparedMembers)[number];
const defaultMaxTokenSeconds = 3600;
const longestTokenSeconds = 30 * 24 * 3600;

export function parseOAuthOptions(options: JsonObject): Result<OAuthOptions, ScopeFault> {
  const members = readMembers(options);
  const issuer =
    members.url("issuer") ?? members.refuse("issuer", "is the authorization server's issuer URL; it must be there");
  const clientId =
    members.text("clientId") ?? members.refuse("clientId", "is the broker's client id there; it must be there");
  const clientAuth = parseClientAuth(members, clientId ?? "");
  const discovery = members.flag("discovery") ?? true;
  const ignoreMetadata = members.someOf("ignoreMetadata", comparedMembers) ?? [];
  const endpoints = {
    token: members.url("tokenEndpoint"),
    revocation: members.url("revocationEndpoint"),
    introspection: members.url("introspectionEndpoint"),
  };
  const accessTokens = members.oneOf("accessTokens", ["opaque", "jwt"]) ?? "opaque";
  const { revocation, introspection } = parseKillPath(members, accessTokens);
  const maxTokenSeconds =
    members.whole("maxTokenSeconds", { min: 1, max: longestTokenSeconds }) ?? defaultMaxTokenSeconds;
  if (!discovery) {
    if (endpoints.token === undefined) members.refuse("tokenEndpoint", "must be there without discovery");
    if (revocation === "immediate" && endpoints.revocation === undefined)
      members.refuse("revocationEndpoint", "must be there without discovery, or set revocation: expiry-only");
    if (introspection && endpoints.introspection === undefined)
      members.refuse("introspectionEndpoint", "must be there without discovery, or set introspection: false");
  }
  return members.done(() => ({
    issuer: issuer ?? "",
    clientId: clientId ?? "",
    clientAuth,
    discovery,
    ignoreMetadata,
    endpoints,
    accessTokens,
    revocation,
    introspection,
    maxTokenSeconds: seconds(maxTokenSeconds),
  }));
}

function parseClientAuth(members: Members, clientId: string): ClientAuthOptions {
  const method = members.oneOf("clientAuth", methods) ?? "private_key_jwt";
  const secret = members.secretReference("clientSecret");
  const key = members.secretReference("clientKey");
  const audience = members.oneOf("assertionAudience", audiences);
  const encoding = members.oneOf("clientSecretEncoding", ["form", "none"]);
  if (encoding !== undefined && method !== "client_secret_basic")
    members.refuse("clientSecretEncoding", "is used with client_secret_basic only");
  if (method === "private_key_jwt") {
    if (secret !== undefined) members.refuse("clientSecret", "is not used with private_key_jwt");
    return { method, key, audience: audience ?? "issuer" };
  }
  if (key !== undefined) members.refuse("clientKey", "is used with private_key_jwt only");
  if (audience !== undefined) members.refuse("assertionAudience", "is used with private_key_jwt only");
  if (secret === undefined)
    members.refuse("clientSecret", `must be there with ${method}, as { env: NAME } or { file: PATH }`);
  if (method === "client_secret_post") return { method, secret: secret ?? {} };
  // RFC 7617 §2: a colon would end the user name.
  if (encoding === "none" && !/^[ -9;-~]+$/.test(clientId))
    members.refuse("clientSecretEncoding", "must be form: the client id has a colon or is not ASCII");
  return { method, secret: secret ?? {}, encoding: encoding ?? "form" };
}

/**
 * Opaque tokens die with RFC 7009 where introspection can show it. A JWT is accepted until it expires by everyone who
 * only checks its signature, and a server whose revocations no one can observe is not believed: both need the
 * operator's explicit `revocation: immediate`.
 */
function parseKillPath(
  members: Members,
  accessTokens: OAuthOptions["accessTokens"],
): Pick<OAuthOptions, "revocation" | "introspection"> {
  const wantsIntrospection = members.flag("introspection");
  const observable = accessTokens === "opaque" && wantsIntrospection !== false;
  const revocation =
    members.oneOf("revocation", ["immediate", "expiry-only"]) ?? (observable ? "immediate" : "expiry-only");
  if (wantsIntrospection === true && revocation === "expiry-only")
    members.refuse("introspection", "has nothing to observe with revocation: expiry-only");
  return { revocation, introspection: wantsIntrospection ?? revocation === "immediate" };
}
