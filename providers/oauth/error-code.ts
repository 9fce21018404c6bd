/**
 * OAuth `error` codes that may be named in reasons: the closed list of RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 8707 §2 and
 * RFC 9449 §12.2. A server's own words are never forwarded; they become `other`.
 */
const codes = [
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "unsupported_token_type",
  "invalid_target",
  "invalid_dpop_proof",
  "use_dpop_nonce",
  "access_denied",
  "server_error",
  "temporarily_unavailable",
] as const;

export type ErrorCode = (typeof codes)[number] | "other";

/** Null where the body is no OAuth error at all. */
export function errorCodeOf(body: Readonly<Record<string, unknown>> | null): ErrorCode | null {
  const error = body?.["error"];
  if (typeof error !== "string") return null;
  return codes.find((code) => code === error) ?? "other";
}
