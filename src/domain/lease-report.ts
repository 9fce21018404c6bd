/** What an end's report and `GET /leases` say of one lease (promise P4): dead, pending, usable until, or stuck. */
import type { LeaseId } from "../kernel/ids.ts";
import type { EpochMillis } from "../kernel/time.ts";
import { unreachable } from "../kernel/unreachable.ts";
import type { Gate } from "./gate.ts";
import type { Lease } from "./lease.ts";
import type { ProviderName, TemplateName } from "./names.ts";

export interface LeaseReport {
  readonly leaseId: LeaseId;
  readonly template: TemplateName;
  readonly provider: ProviderName;
  readonly state: Lease["state"]["kind"];
  readonly verdict: ReportVerdict;
  readonly deadAt: EpochMillis | null;
  readonly nextAttemptAt: EpochMillis | null;
  readonly attempts: number;
  readonly usableUntil: EpochMillis | null;
  readonly reason: string | null;
  readonly fix: string | null;
}

/** `live` only while the gate is open; `never-minted` where the provider certainly made nothing. */
export type ReportVerdict =
  | "live"
  | "dead-verified"
  | "dead-unverified"
  | "already-gone"
  | "expired"
  | "never-minted"
  | "pending"
  | "usable-until"
  | "needs-a-person";

export function reportLease(lease: Lease, gate: Gate["kind"], now: EpochMillis): LeaseReport {
  const { state } = lease;
  const line = {
    leaseId: lease.id,
    template: lease.template,
    provider: lease.provider,
    state: state.kind,
    deadAt: null,
    nextAttemptAt: null,
    attempts: 0,
    usableUntil: null,
    reason: null,
    fix: null,
  };
  switch (state.kind) {
    case "intended":
    case "active":
      if (gate === "open") return { ...line, verdict: "live", usableUntil: lease.nativeExpiresAt };
      return { ...line, state: "revoking", verdict: "pending", nextAttemptAt: now };
    case "revoking": {
      const dying = { ...line, attempts: state.attempts, nextAttemptAt: state.dueAt, reason: state.lastReason };
      if (state.usableUntil === null) return { ...dying, verdict: "pending" };
      return { ...dying, verdict: "usable-until", usableUntil: state.usableUntil };
    }
    case "stuck":
      return {
        ...line,
        verdict: "needs-a-person",
        attempts: state.attempts,
        nextAttemptAt: state.dueAt,
        reason: state.lastReason,
        fix: state.fix,
      };
    case "revoked":
      return { ...line, verdict: state.verdict, deadAt: state.deadAt };
    case "expired":
      return { ...line, verdict: "expired", deadAt: state.deadAt };
    case "mint_failed":
      return { ...line, verdict: "never-minted", deadAt: state.deadAt, reason: state.reason };
    default:
      return unreachable(state);
  }
}
