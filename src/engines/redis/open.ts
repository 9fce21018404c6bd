/** Opens the ledger of a node: one that may kill, and wakes the others over BullMQ. */
import type { Result } from "../../kernel/result.ts";
import type { OpenFault } from "./connection/open-fault.ts";
import { openLedger, type OpenOptions, type RedisLedger } from "./open-ledger.ts";
import { openBullWakes } from "./queue/bull-wakes.ts";

export type { OpenOptions, RedisLedger } from "./open-ledger.ts";

export const openRedisLedger = (options: OpenOptions): Promise<Result<RedisLedger, OpenFault>> =>
  openLedger(options, openBullWakes);
