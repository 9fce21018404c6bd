/**
 * Gives a credential up to the kill path. If the store cannot say that it took the order, the order is repeated until it
 * does; meanwhile the due index still holds the lease at its own bound.
 */
import { firstRetryMillis } from "../../kernel/limits.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import { millis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { CompleteMint, MakeDue } from "../../ports/ledger-commands.ts";
import type { BrokerParts } from "../parts.ts";

type Parts = Pick<BrokerParts, "ledger" | "clock" | "log">;

/** The credential lives meanwhile: a store that is back is told soon. */
const longestPauseMillis = 5_000;

export const surrender = (parts: Parts, command: MakeDue): Promise<void> =>
  repeat(parts, command.leaseId, () => parts.ledger.makeDue(command));

/**
 * A mint whose completion was not answered for: nobody but this process knows what its kill needs, so that is stored
 * first. A conflict means that the first time got through, and then an order is all that is missing.
 */
export function surrenderMint(parts: Parts, completion: CompleteMint): Promise<void> {
  const { leaseId, cause } = completion;
  const killCause = completion.rejectAs ?? "undelivered";
  return repeat(parts, leaseId, async () => {
    const completed = await parts.ledger.completeMint({ ...completion, rejectAs: killCause });
    if (completed.kind !== "conflict") return completed;
    return parts.ledger.makeDue({ leaseId, killCause, delay: millis(0), cause });
  });
}

async function repeat(
  parts: Parts,
  leaseId: LeaseId,
  order: () => Promise<Answer<unknown, unknown>>,
  attempt = 0,
): Promise<void> {
  const answer = await order();
  if (answer.kind !== "unknown") return;
  parts.log.error("kill_order_not_stored", { lease: leaseId, attempt });
  if (await isStopped(parts)) return;
  const delay = Math.min(longestPauseMillis, firstRetryMillis * 2 ** Math.min(attempt, 10));
  parts.clock.after(millis(delay), () => {
    repeat(parts, leaseId, order, attempt + 1).catch(() => {
      parts.log.error("kill_order_failed", { lease: leaseId, attempt });
    });
  });
}

/** A stopped store takes nothing any more, and the next start finds the lease; one that is only away comes back. */
async function isStopped({ ledger }: Parts): Promise<boolean> {
  try {
    return (await ledger.health()).suspended === "stopped";
  } catch {
    return false;
  }
}
