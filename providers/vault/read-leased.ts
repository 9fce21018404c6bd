/**
 * Reads, with the task's own token, the path that gives the credential. What comes with a lease can be ended by it; what
 * comes without one is delivered only where the template knows that it merely expires.
 */
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { mintTimeoutMillis } from "../../src/kernel/limits.ts";
import { millis, toNumericDate } from "../../src/kernel/time.ts";
import type { Credential } from "../../src/ports/provider.ts";
import { isDone, isPassing, membersOf, numberOf, textOf, type Members } from "./answers.ts";
import type { VaultAnswer } from "./client.ts";
import type { VaultParts } from "./parts.ts";
import type { Engine, VaultScope } from "./scope.ts";

export type LeasedRead =
  | {
      readonly kind: "leased";
      readonly credential: Credential;
      readonly serverLease: string | null;
      readonly lifetimeSeconds: number;
    }
  /** The server certainly gave nothing that is of use to anyone. */
  | { readonly kind: "none"; readonly reason: string; readonly retryable: boolean }
  /** `isOver`: the server has finished with it, and will make nothing later. */
  | { readonly kind: "unknown"; readonly reason: string; readonly isOver: boolean };

/** Engines that let the caller say how long what they make lives. */
const takesTtl: readonly Engine[] = ["pki", "kubernetes"];
const credentialTypes: Readonly<Partial<Record<Engine, string>>> = { database: "userpass", pki: "x509" };

export async function readLeased(
  parts: VaultParts,
  { source, revocation }: VaultScope,
  { token, ttlSeconds, signal }: { token: Redacted; ttlSeconds: number; signal: AbortSignal },
): Promise<LeasedRead> {
  if (source.kind === "token") return { kind: "none", reason: "no_path", retryable: false };
  const { path, engine, fields } = source;
  const ttl = takesTtl.includes(engine) ? { ttl: `${ttlSeconds}s` } : {};
  const isWrite = fields !== null || takesTtl.includes(engine);
  const answer = await parts.client.send({
    verb: isWrite ? "write" : "read",
    path,
    ...(isWrite ? { body: { ...fields, ...ttl } } : {}),
    token,
    timeout: millis(mintTimeoutMillis),
    signal,
  });
  if (!isDone(answer)) return nothing(answer);
  const data = membersOf(answer.body, "data");
  if (answer.body === null || Object.keys(data).length === 0)
    return { kind: "unknown", reason: "unreadable_answer", isOver: true };
  const serverLease = textOf(answer.body, "lease_id") ?? null;
  if (serverLease === null && revocation === "immediate")
    return { kind: "none", reason: "no_lease_at_path", retryable: false };
  const lifetimeSeconds = lifetimeOf(answer.body, data, toNumericDate(parts.now()));
  if (lifetimeSeconds === undefined) return { kind: "unknown", reason: "lifetime_not_told", isOver: true };
  const value = new Redacted(data as JsonObject, `${engine} credential`);
  const type = credentialTypes[engine] ?? "vault-secret";
  return { kind: "leased", credential: { kind: "structured", type, value }, serverLease, lifetimeSeconds };
}

/** A certificate says itself when it ends; the rest ends with its lease. */
function lifetimeOf(body: Members, data: Members, nowSeconds: number): number | undefined {
  const expiration = numberOf(data, "expiration");
  if (expiration !== undefined) return Math.max(0, expiration - nowSeconds);
  const duration = numberOf(body, "lease_duration");
  return duration !== undefined && duration > 0 ? duration : undefined;
}

/** The task's token is fresh, so a 403 is about its policies. */
function nothing(answer: VaultAnswer): LeasedRead {
  if (answer.kind === "failed")
    return answer.maybeSent
      ? { kind: "unknown", reason: answer.reason, isOver: false }
      : { kind: "none", reason: answer.reason, retryable: true };
  const { status } = answer;
  // 408, 502, 503 and 504 may be the word of somebody between, who waits no longer.
  if (status < 400 || status >= 500 || status === 408)
    return { kind: "unknown", reason: `status_${status}`, isOver: status === 500 };
  if (status === 403) return { kind: "none", reason: "policies_do_not_allow_path", retryable: false };
  return { kind: "none", reason: `path_status_${status}`, retryable: isPassing(status) };
}
