/**
 * Has the ledger drop what nobody can ask for any more: a page at a time, with a pause between pages in which kills get
 * their turn. And has the refusals of a window that is over told, though nobody is refused any more. Never on a full disk, whose last room is for kills. It holds no truth: a look that is lost is made later.
 */
import type { Cancel } from "../kernel/clock.ts";
import { maxSweepRows } from "../kernel/limits.ts";
import { millis } from "../kernel/time.ts";
import type { BrokerParts } from "./parts.ts";

export interface Housekeeper {
  start(): void;
  stop(): void;
  /** One page now; answers whether more is left. For a process that no timer of its own keeps awake. */
  look(): Promise<boolean>;
}

/** What is past its time may wait for minutes; it only takes room. */
const restMillis = millis(60_000);
const betweenPagesMillis = millis(50);

export function createHousekeeper(parts: Pick<BrokerParts, "ledger" | "clock" | "log" | "refusals">): Housekeeper {
  const { ledger, clock, log, refusals } = parts;
  let isStopped = false;
  let cancel: Cancel = () => {};

  function again(isMore: boolean): void {
    if (isStopped) return;
    cancel = clock.after(isMore ? betweenPagesMillis : restMillis, () => void look().then(again));
  }

  async function look(): Promise<boolean> {
    try {
      await refusals.closeWindows();
      return await purgePage();
    } catch {
      log.error("purge_failed");
      return false;
    }
  }

  async function purgePage(): Promise<boolean> {
    const { suspended } = await ledger.health();
    if (suspended === "disk_full" || suspended === "stopped") return false;
    const answer = await ledger.purge(maxSweepRows);
    return answer.kind === "ok" && answer.value.more;
  }

  return {
    start: () => again(false),
    look,
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
