/**
 * The one transition function of a lease. Engines load a lease, call this, and store what it returns; a pair that is
 * not here is a fault, not a guess.
 *
 *   intended -> active | revoking | mint_failed
 *   revoking | stuck, as long as the mint's outcome is unknown -> mint_failed
 *   active   -> revoking
 *   revoking <-> stuck, revoking | stuck -> revoked | expired
 *   revoked  -> revoking, where the kill was found undone
 *
 * An engine keeps `dueAt` at the claim's end while a lease is claimed, whatever is ordered meanwhile; only what
 * became of the mint takes the lease from its claim, because the attempt under way does not know it.
 */
import { expiryGraceMillis, firstRetryMillis, maxRetryMillis, stuckRetryMillis } from "../kernel/limits.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { addMillis, earliest, type EpochMillis } from "../kernel/time.ts";
import { unreachable } from "../kernel/unreachable.ts";
import type { Dying, KillCause, Lease, LeaseState, Revoking } from "./lease.ts";
import type { Verdict } from "./verdict.ts";

export type LeaseEvent =
  /** Also late, when the intent is dying already: its outcome is known now, and it must be tried anew with its handle. */
  | { readonly kind: "minted" }
  /** Also late: what certainly never was needs no revocation. */
  | { readonly kind: "mint_rejected"; readonly reason: string }
  /** The kill was ordered at `orderedAt` and is due at `dueAt`. `endsBackoff`: a person wants it tried at once. */
  | {
      readonly kind: "due";
      readonly cause: KillCause;
      readonly orderedAt: EpochMillis;
      readonly dueAt: EpochMillis;
      readonly endsBackoff?: boolean;
    }
  /** `jitter` in [0, 1) spreads retries. */
  | { readonly kind: "verdict"; readonly verdict: Verdict; readonly jitter: number }
  /** Native expiry and its grace have passed. */
  | { readonly kind: "native_expiry" }
  /** The credential works again, whatever was said of its death. */
  | { readonly kind: "reopened" };

export interface TransitionFault {
  readonly reason: "no_such_transition";
  readonly from: LeaseState["kind"];
  readonly event: LeaseEvent["kind"];
}

export function transition(lease: Lease, event: LeaseEvent, now: EpochMillis): Result<LeaseState, TransitionFault> {
  const { state } = lease;
  switch (event.kind) {
    case "minted":
      if (awaitsOutcome(state)) return ok({ ...state, outcomeUnknown: false, dueAt: now });
      return state.kind === "intended" ? ok({ kind: "active", activatedAt: now }) : fault(state, event);
    case "mint_rejected":
      return state.kind === "intended" || awaitsOutcome(state)
        ? ok({ kind: "mint_failed", deadAt: now, reason: event.reason })
        : fault(state, event);
    case "due":
      return becomeDue(state, event);
    case "verdict":
      return isDying(state) ? ok(afterVerdict(lease, state, event.verdict, event.jitter, now)) : fault(state, event);
    case "native_expiry":
      return isDying(state) && mayExpire(lease, now)
        ? ok({ kind: "expired", deadAt: now, cause: state.cause, killOrderedAt: state.killOrderedAt })
        : fault(state, event);
    case "reopened":
      return state.kind === "revoked" ? ok(dying("undone", now)) : fault(state, event);
    default:
      return unreachable(event);
  }
}

/** `expired` is the truth only where natural expiry ends everything, and only past the grace (promise P3). */
export const mayExpire = (lease: Lease, now: EpochMillis): boolean =>
  lease.nativeExpiry === "full" && now >= lease.nativeExpiresAt + expiryGraceMillis;

/**
 * Whether a kill that stands only as long as somebody keeps it, such as an entry of a deny list, must be kept: from the
 * order on until the credential has surely stopped by itself.
 */
export const isDenied = (lease: Lease, now: EpochMillis): boolean =>
  isDying(lease.state) || (lease.state.kind === "revoked" && now < lease.nativeExpiresAt + expiryGraceMillis);

type Due = Extract<LeaseEvent, { kind: "due" }>;

/**
 * A kill ordered while one waits for its first attempt brings that forward, and goes ahead of routine expiry; it never
 * postpones, and breaks the backoff of a kill under way only where a person asks for that. The measured time starts with the earliest order.
 */
function becomeDue(state: LeaseState, event: Due): Result<LeaseState, TransitionFault> {
  if (isDying(state)) {
    const sooner = earliest(state.dueAt, event.dueAt);
    if (state.cause === "expiry" && event.cause !== "expiry")
      return ok({ ...state, cause: event.cause, killOrderedAt: event.orderedAt, dueAt: sooner });
    const killOrderedAt =
      event.cause === "expiry" ? state.killOrderedAt : earliest(state.killOrderedAt, event.orderedAt);
    const mayHurry = state.lastVerdict === null || event.endsBackoff === true;
    return ok({ ...state, killOrderedAt, dueAt: mayHurry ? sooner : state.dueAt });
  }
  if (state.kind !== "intended" && state.kind !== "active") return fault(state, event);
  const ordered = { killOrderedAt: event.orderedAt, outcomeUnknown: state.kind === "intended" };
  return ok({ ...dying(event.cause, event.dueAt), ...ordered });
}

const dying = (cause: KillCause, at: EpochMillis): Revoking => ({
  kind: "revoking",
  cause,
  killOrderedAt: at,
  attempts: 0,
  dueAt: at,
  lastVerdict: null,
  lastReason: null,
  outcomeUnknown: false,
  usableUntil: null,
});

function afterVerdict(lease: Lease, state: DyingState, verdict: Verdict, jitter: number, now: EpochMillis): LeaseState {
  const attempt = { ...keep(state), lastVerdict: verdict.kind, attempts: state.attempts + 1 };
  // Where clocks differ an instant may have passed when it is told: asked again at a pace, never in a loop.
  const atOrLater = (at: EpochMillis, pace: number): EpochMillis => (at > now ? at : addMillis(now, pace));
  switch (verdict.kind) {
    case "dead-verified":
      return dead(state, lease.provenAlive ? "dead-verified" : "dead-unverified", now);
    case "dead-unverified":
    case "already-gone":
      return dead(state, verdict.kind, now);
    case "pending":
      return {
        ...attempt,
        kind: "revoking",
        attempts: state.attempts,
        dueAt: atOrLater(verdict.until, firstRetryMillis),
        lastReason: null,
        usableUntil: null,
      };
    case "expires-only": {
      const settled = addMillis(verdict.at, expiryGraceMillis);
      return {
        ...attempt,
        kind: "revoking",
        attempts: state.attempts,
        dueAt: atOrLater(settled, maxRetryMillis),
        lastReason: null,
        usableUntil: verdict.at,
      };
    }
    case "retry": {
      const dueAt = addMillis(now, Math.max(verdict.after ?? 0, retryDelayMillis(state.attempts, jitter)));
      return { ...attempt, kind: "revoking", dueAt, lastReason: verdict.reason, usableUntil: null };
    }
    case "refused":
      return {
        ...attempt,
        kind: "stuck",
        dueAt: addMillis(now, stuckRetryMillis),
        lastReason: verdict.reason,
        fix: verdict.fix,
      };
    default:
      return unreachable(verdict);
  }
}

type DyingState = Extract<LeaseState, { kind: "revoking" | "stuck" }>;

export const isDying = (state: LeaseState): state is DyingState => state.kind === "revoking" || state.kind === "stuck";

/** A kill was ordered before anyone learnt whether there is something to kill. */
export const awaitsOutcome = (state: LeaseState): state is DyingState & { readonly outcomeUnknown: true } =>
  isDying(state) && state.outcomeUnknown;

const keep = (state: DyingState): Dying & { outcomeUnknown: boolean } => ({
  cause: state.cause,
  killOrderedAt: state.killOrderedAt,
  attempts: state.attempts,
  dueAt: state.dueAt,
  lastVerdict: state.lastVerdict,
  lastReason: state.lastReason,
  outcomeUnknown: state.outcomeUnknown,
});

const dead = (
  state: DyingState,
  verdict: "dead-verified" | "dead-unverified" | "already-gone",
  now: EpochMillis,
): LeaseState => ({
  kind: "revoked",
  deadAt: now,
  verdict,
  cause: state.cause,
  killOrderedAt: state.killOrderedAt,
});

/** Capped exponential with full jitter; the cap keeps a repaired provider from waiting for long. */
export function retryDelayMillis(attempts: number, jitter: number): number {
  const ceiling = Math.min(maxRetryMillis, firstRetryMillis * 2 ** Math.min(attempts, 20));
  return Math.max(1, Math.ceil(ceiling * jitter));
}

const fault = (state: LeaseState, event: LeaseEvent): Result<never, TransitionFault> =>
  err({ reason: "no_such_transition", from: state.kind, event: event.kind });
