/**
 * Turns passed deadlines, lost heartbeats and kill orders into due leases, a page at a time. Start-up repair is this
 * and nothing else: what a crash left behind is due by itself.
 */
import { maxSweepRows } from "../../kernel/limits.ts";
import type { BrokerParts } from "../parts.ts";

/** Pages of one sweep; between sweeps workers get their turn, so that the first kill does not wait for the last page. */
const pagesPerSweep = 4;

/** Answers whether the ledger took all of it: what it did not take is left for later, or a sick store would never rest. */
export async function sweep(parts: Pick<BrokerParts, "ledger" | "changes">): Promise<boolean> {
  for (let page = 0; page < pagesPerSweep; page += 1) {
    const closed = await parts.ledger.closeOverdueTasks(maxSweepRows);
    const expanded = await parts.ledger.expandKillOrders(maxSweepRows);
    parts.changes.notify();
    if (closed.kind !== "ok" || expanded.kind !== "ok") return false;
    if (!closed.value.more && !expanded.value.more) break;
  }
  return true;
}
