/**
 * Notices a wall clock that stepped while a mint was under way. What the answer dates is then no end to rely on: a
 * credential that is said to end too early would be called expired while it lives (promise P4).
 */
import type { Lease } from "../../domain/lease.ts";
import type { Clock } from "../../kernel/clock.ts";
import { maxClockStepMillis } from "../../kernel/limits.ts";
import { epochMillis } from "../../kernel/time.ts";
import type { Minted } from "../../ports/provider.ts";

export interface WallWatch {
  /** As answered, or with the intent's worst case where the wall cannot be trusted. */
  dated(minted: Minted, intent: Lease): Minted;
}

/** From before the intent on: a wall that had stepped by then is refused by the ledger. */
export function watchWall(clock: Pick<Clock, "now" | "monotonicMillis">): WallWatch {
  const offset = (): number => clock.now() - clock.monotonicMillis();
  const before = offset();
  return {
    dated(minted, intent) {
      if (Math.abs(offset() - before) <= maxClockStepMillis) return minted;
      return { ...minted, nativeExpiresAt: epochMillis(Math.max(minted.nativeExpiresAt, intent.nativeExpiresAt)) };
    },
  };
}
