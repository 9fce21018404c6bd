/**
 * Gives a credential up to the kill path. If the store cannot say that it took the order, the order is repeated with
 * backoff until it does; meanwhile the due index still holds the lease at its own bound.
 */
import { maxRetryMillis, firstRetryMillis } from "../../kernel/limits.ts";
import { millis } from "../../kernel/time.ts";
import type { MakeDue } from "../../ports/ledger-commands.ts";
import type { BrokerParts } from "../parts.ts";

type Parts = Pick<BrokerParts, "ledger" | "clock" | "log">;

export async function surrender(parts: Parts, command: MakeDue, attempt = 0): Promise<void> {
  const answer = await parts.ledger.makeDue(command);
  if (answer.kind !== "unknown") return;
  parts.log.error("kill_order_not_stored", { lease: command.leaseId, attempt });
  const health = await parts.ledger.health();
  // A stopped store takes nothing any more; the repair at the next start finds the lease.
  if (health.suspended === "stopped") return;
  const delay = Math.min(maxRetryMillis, firstRetryMillis * 2 ** Math.min(attempt, 20));
  parts.clock.after(millis(delay), () => {
    surrender(parts, command, attempt + 1).catch(() => {
      parts.log.error("kill_order_failed", { lease: command.leaseId, attempt });
    });
  });
}
