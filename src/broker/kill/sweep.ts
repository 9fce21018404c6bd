/**
 * Turns passed deadlines, lost heartbeats and kill orders into due leases, a page at a time. Start-up repair is this
 * and nothing else: what a crash left behind is due by itself.
 */
import { maxSweepRows } from "../../kernel/limits.ts";
import type { BrokerParts } from "../parts.ts";

/** Pages of one sweep; between sweeps workers get their turn, so that the first kill does not wait for the last page. */
const pagesPerSweep = 4;

export async function sweep(parts: Pick<BrokerParts, "ledger" | "changes">): Promise<void> {
  for (let page = 0; page < pagesPerSweep; page += 1) {
    const closed = await parts.ledger.closeOverdueTasks(maxSweepRows);
    const expanded = await parts.ledger.expandKillOrders(maxSweepRows);
    parts.changes.notify();
    const more = (closed.kind === "ok" && closed.value.more) || (expanded.kind === "ok" && expanded.value.more);
    if (!more) return;
  }
}
