/**
 * Reads a 200 of the token endpoint (RFC 6749 §5.1). Whatever is missing or strange makes it unreadable, and then a
 * token may exist that nobody can name. A refresh token, which §4.4.3 says should not be there, is dropped unread.
 */
import { Redacted } from "../../src/kernel/redacted.ts";
import type { Granted } from "../../src/ports/provider.ts";
import type { OAuthOptions } from "./options.ts";
import type { OAuthScope } from "./scope.ts";

export interface TokenAnswer {
  readonly token: Redacted;
  readonly lifetimeSeconds: number;
  readonly granted: Granted;
}

const maxTokenLength = 16 * 1024;
/** RFC 6749 appendix A.12: printable ASCII; anything else could not be sent in a header. */
const printable = /^[\u0021-\u007e]+$/;
/** Keeps an absurd lifetime an instant that can be stored; it is far beyond what any configuration allows. */
const longestSeconds = 365 * 24 * 3600;

export function readTokenAnswer(
  body: Readonly<Record<string, unknown>> | null,
  scope: OAuthScope,
  options: OAuthOptions,
): TokenAnswer | undefined {
  const token = body?.["access_token"];
  if (body === null || typeof token !== "string" || token.length > maxTokenLength || !printable.test(token))
    return undefined;
  const lifetime = lifetimeOf(body["expires_in"]);
  // A token bound to a key that the agent does not hold, or of a kind unknown here, is not what was asked for.
  const isBearer = typeof body["token_type"] === "string" && body["token_type"].toLowerCase() === "bearer";
  const scopeText = typeof body["scope"] === "string" ? body["scope"] : null;
  const outlives = lifetime !== undefined && lifetime > options.maxTokenSeconds;
  return {
    token: new Redacted(token, "access token"),
    lifetimeSeconds: lifetime ?? options.maxTokenSeconds,
    granted: { wider: !isBearer || outlives || isWider(scopeText, scope), scope: scopeText },
  };
}

/** Without `expires_in` (it is only recommended) the configured maximum is all that is known. */
const lifetimeOf = (value: unknown): number | undefined =>
  typeof value === "number" && value >= 0 ? Math.min(Math.ceil(value), longestSeconds) : undefined;

/** RFC 6749 §5.1: a scope left out is the scope asked for. */
function isWider(scopeText: string | null, scope: OAuthScope): boolean {
  const granted = scopeText?.split(" ").filter((token) => token !== "") ?? [];
  return granted.some((token) => !scope.scopes.includes(token));
}
