/**
 * What no request waits for, done by every node: each second the audit's chain is brought up to its end; each minute what
 * dead nodes still owed to other shards is paid, and audit entries past their time go. Any number of nodes may do it at
 * once, and a round that fails is made up for by the next.
 */
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { millis, type Millis } from "../../kernel/time.ts";
import type { Log } from "../../ports/log.ts";
import { sealAudit } from "./audit/audit-chain.ts";
import { trimAudit } from "./audit/audit-trim.ts";
import { emptyOutbox } from "./across-shards/outbox.ts";
import type { ShardCalls } from "./shard-calls.ts";

const roundMillis = millis(1_000);
const roundsBetweenCleaning = 60;

export function startUpkeep(options: { calls: ShardCalls; clock: Clock; log: Log; keepAudit: Millis }): Cancel {
  const { calls, clock, log, keepAudit } = options;
  let isStopped = false;
  let rounds = 0;
  let cancel: Cancel = () => {};

  async function round(): Promise<void> {
    try {
      await sealAudit(calls);
      if (rounds % roundsBetweenCleaning === 0) await clean(calls, keepAudit);
    } catch {
      // The watch over the servers says what is wrong with them.
      log.info("ledger_upkeep_failed");
    }
    rounds += 1;
    if (!isStopped) cancel = clock.after(roundMillis, () => void round());
  }

  void round();
  return () => {
    isStopped = true;
    cancel();
  };
}

async function clean(calls: ShardCalls, keepAudit: Millis): Promise<void> {
  const shards = Array.from({ length: calls.shards.count }, (_, shard) => shard);
  await Promise.allSettled(shards.map((shard) => emptyOutbox(calls, shard)));
  let isMore = true;
  // oxlint-disable-next-line no-await-in-loop -- page by page
  while (isMore) isMore = (await trimAudit(calls, keepAudit)).more;
}
