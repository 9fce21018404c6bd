/**
 * Turns passed deadlines, lost heartbeats and kill orders into due leases, one page: the workers get their turn after
 * each, so that the first kill never waits for the last page. Start-up repair is this and nothing else.
 */
import { maxSweepRows } from "../../kernel/limits.ts";
import type { BrokerParts } from "../parts.ts";

/** Answers whether the ledger took it: what it did not take is left for later, or a sick store would never rest. */
export async function sweep(parts: Pick<BrokerParts, "ledger">): Promise<boolean> {
  const closed = await parts.ledger.closeOverdueTasks(maxSweepRows);
  const expanded = await parts.ledger.expandKillOrders(maxSweepRows);
  return closed.kind === "ok" && expanded.kind === "ok";
}
