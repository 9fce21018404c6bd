/** What the ledger says of something that was found at a provider. Pure. */
import { isLive } from "../../domain/lease.ts";
import { instantOfId, type LeaseId } from "../../kernel/ids.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { LeaseView } from "../../ports/ledger-views.ts";
import type { Found } from "../../ports/provider.ts";

export type Judgement =
  /** A living lease accounts for it: the kill path will end it. */
  | { readonly kind: "accounted" }
  /** Too young to tell: its making or its end may still be on the way. */
  | { readonly kind: "young" }
  /** The ledger had it dead, and it can be killed again as it was. */
  | { readonly kind: "undone"; readonly leaseId: LeaseId }
  | { readonly kind: "stray" };

/** Below this something that should not be there may only be late: clocks differ, and systems take their time. */
export const driftGraceMillis = 600_000;

export interface Sight {
  readonly found: Found;
  /** The lease that it belongs to, if the ledger has it. */
  readonly view: LeaseView | undefined;
  readonly firstSeenAt: EpochMillis;
  readonly now: EpochMillis;
  readonly needsSecretToRevoke: boolean;
}

export function judge({ found, view, firstSeenAt, now, needsSecretToRevoke }: Sight): Judgement {
  if (view === undefined) {
    const madeAt = found.createdAt ?? (found.leaseId === null ? firstSeenAt : instantOfId(found.leaseId));
    return now - madeAt >= driftGraceMillis ? { kind: "stray" } : { kind: "young" };
  }
  const { id, state } = view.lease;
  if (isLive(state.kind)) return { kind: "accounted" };
  if ("deadAt" in state && now - state.deadAt < driftGraceMillis) return { kind: "young" };
  return state.kind === "revoked" && !needsSecretToRevoke ? { kind: "undone", leaseId: id } : { kind: "stray" };
}
