/**
 * One shard as the composition of many sees it: a whole ledger, and what shards need of each other. Every call may fail
 * and is asynchronous; all that goes in and out is plain data. `onDue` and `close` may do nothing where the shard lives in
 * another process.
 */
import type { Ledger } from "../../ports/ledger.ts";
import type { ShardVerbs } from "../sql/shard-verbs.ts";

export interface ShardLedger extends Ledger, ShardVerbs {}
