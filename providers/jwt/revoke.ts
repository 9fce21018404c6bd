/**
 * What becomes of a token of ours when its lease is killed. Nothing is sent: by the time this runs, the gate or the
 * lease's own state already makes the broker's introspection answer `active: false`.
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import type { Lease } from "../../src/domain/lease.ts";

export function revokeJwt(lease: Lease): Verdict {
  const { state, handle } = lease;
  // Made in this process and never delivered: no one holds it.
  if (state.kind !== "active" && "outcomeUnknown" in state && state.outcomeUnknown) return { kind: "already-gone" };
  if (handle["introspected"] === true) return { kind: "dead-unverified" };
  return { kind: "expires-only", at: lease.nativeExpiresAt };
}
