/**
 * A lease's state as columns: kind, one instant, when it is due, and a small JSON text for what only dying and dead
 * leases have. The many active ones carry no JSON.
 */
import type { Lease, LeaseState, Revoking, Stuck } from "../../../domain/lease.ts";
import { isDying } from "../../../domain/lease-transition.ts";
import { mintMarginMillis } from "../../../kernel/limits.ts";
import { addMillis, epochMillis, type EpochMillis } from "../../../kernel/time.ts";
import { unreachable } from "../../../kernel/unreachable.ts";
import { integer, text, type SqlValue } from "../driver.ts";

export interface StateColumns {
  /** 0: a kill. 1: routine expiry, which waits for kills. */
  readonly rank: number;
  readonly dueAt: EpochMillis | null;
  readonly state: LeaseState["kind"];
  readonly stateAt: EpochMillis | null;
  readonly stateDetail: string | null;
}

type DyingDetail = Omit<Revoking, "kind" | "dueAt" | "killOrderedAt">;
type StuckDetail = Omit<Stuck, "kind" | "dueAt" | "killOrderedAt">;
type StateOf<K extends LeaseState["kind"]> = Extract<LeaseState, { kind: K }>;

/** When the next thing must be done about a live lease; null for a dead one. */
export function dueAtOf(lease: Lease): EpochMillis | null {
  const { state } = lease;
  if (state.kind === "intended") return addMillis(lease.mintAbortAt, mintMarginMillis);
  if (state.kind === "active") return lease.expiresAt;
  return isDying(state) ? state.dueAt : null;
}

export function columnsOf(lease: Lease): StateColumns {
  const { state } = lease;
  const dueAt = dueAtOf(lease);
  switch (state.kind) {
    case "intended":
      return { rank: 0, dueAt, state: state.kind, stateAt: null, stateDetail: null };
    case "active":
      return { rank: 1, dueAt, state: state.kind, stateAt: state.activatedAt, stateDetail: null };
    case "revoking":
    case "stuck": {
      const { kind, dueAt: _, killOrderedAt, ...detail } = state;
      const rank = state.cause === "expiry" ? 1 : 0;
      return { rank, dueAt, state: kind, stateAt: killOrderedAt, stateDetail: JSON.stringify(detail) };
    }
    case "revoked":
    case "expired":
    case "mint_failed": {
      const { kind, deadAt, ...detail } = state;
      return { rank: 1, dueAt, state: kind, stateAt: deadAt, stateDetail: JSON.stringify(detail) };
    }
    default:
      return unreachable(state);
  }
}

/** The inverse; the texts were written by `columnsOf`. */
export function stateFrom(
  kind: SqlValue | undefined,
  at: SqlValue | undefined,
  detail: SqlValue | undefined,
  due: SqlValue | undefined,
): LeaseState {
  const state = text(kind) as LeaseState["kind"];
  switch (state) {
    case "intended":
      return { kind: state };
    case "active":
      return { kind: state, activatedAt: instant(at) };
    case "revoking":
      return { kind: state, killOrderedAt: instant(at), dueAt: instant(due), ...parse<DyingDetail>(detail) };
    case "stuck":
      return { kind: state, killOrderedAt: instant(at), dueAt: instant(due), ...parse<StuckDetail>(detail) };
    case "revoked":
      return { kind: state, deadAt: instant(at), ...parse<Omit<StateOf<"revoked">, "kind" | "deadAt">>(detail) };
    case "expired":
      return { kind: state, deadAt: instant(at), ...parse<Omit<StateOf<"expired">, "kind" | "deadAt">>(detail) };
    case "mint_failed":
      return { kind: state, deadAt: instant(at), ...parse<Omit<StateOf<"mint_failed">, "kind" | "deadAt">>(detail) };
    default:
      return unreachable(state);
  }
}

const instant = (value: SqlValue | undefined): EpochMillis => epochMillis(integer(value));
const parse = <T>(detail: SqlValue | undefined): T => JSON.parse(text(detail)) as T;
