/** The typed outcome of one revocation attempt. Never a bare success (promise P4). */
import type { EpochMillis, Millis } from "../kernel/time.ts";

export type Verdict =
  /** A probe of the same kind that was positive after mint now says dead. */
  | { readonly kind: "dead-verified" }
  /** The provider says so. */
  | { readonly kind: "dead-unverified" }
  /** The provider does not know it (any more), observed when that answer can be believed. */
  | { readonly kind: "already-gone" }
  /** Accepted, takes effect by `until`. */
  | { readonly kind: "pending"; readonly until: EpochMillis }
  /** Cannot be revoked: usable until `at`. */
  | { readonly kind: "expires-only"; readonly at: EpochMillis }
  /** A fault that passes: asked again with backoff, for ever. */
  | {
      readonly kind: "retry";
      readonly reason: string;
      readonly after?: Millis;
      /** The fault is of this credential alone: the system answers, and its breaker stays out of it. */
      readonly of?: "lease";
    }
  /** The provider refuses for good: needs a person. */
  | { readonly kind: "refused"; readonly reason: string; readonly fix: string };

export type VerdictKind = Verdict["kind"];
