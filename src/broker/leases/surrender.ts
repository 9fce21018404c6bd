/**
 * Gives a credential up to the kill path. If the store cannot say that it took the order, the order is repeated until it
 * does or this process ends. The due index holds the lease at its own bound all the while: whoever lives finds an intent
 * there when its mint must be over, and kills it by what was known before it.
 */
import { firstRetryMillis } from "../../kernel/limits.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import { millis, type Millis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { CompleteMint, MakeDue } from "../../ports/ledger-commands.ts";
import type { BrokerParts } from "../parts.ts";

type Parts = Pick<BrokerParts, "ledger" | "clock" | "log" | "inFlight">;
type Order = () => Promise<Answer<unknown, unknown>>;

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

/** Answers after the first time: who asked has waited long enough. A stop waits for the others. */
async function repeat(parts: Parts, leaseId: LeaseId, order: Order): Promise<void> {
  if ((await order()).kind !== "unknown") return;
  parts.log.error("kill_order_not_stored", { lease: leaseId, attempt: 0 });
  if (await isStopped(parts)) return;
  void parts.inFlight.track(untilStored(parts, leaseId, order));
}

async function untilStored(parts: Parts, leaseId: LeaseId, order: Order): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one time after the other
    await pause(parts, millis(Math.min(longestPauseMillis, firstRetryMillis * 2 ** Math.min(attempt - 1, 10))));
    if (parts.inFlight.hasGivenUp()) return;
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (await isTaken(order)) return;
    parts.log.error("kill_order_not_stored", { lease: leaseId, attempt });
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (await isStopped(parts)) return;
  }
}

async function isTaken(order: Order): Promise<boolean> {
  try {
    return (await order()).kind !== "unknown";
  } catch {
    return false;
  }
}

async function pause({ clock, inFlight }: Parts, delay: Millis): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(delay, resolve);
  await Promise.race([promise, inFlight.givenUp]);
  cancel();
}

/** A stopped store takes nothing any more, and the next start finds the lease; one that is only away comes back. */
async function isStopped({ ledger }: Parts): Promise<boolean> {
  try {
    return (await ledger.health()).suspended === "stopped";
  } catch {
    return false;
  }
}
