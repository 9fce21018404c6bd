/** The ledger over many shards keeps the ledger's contract, as its one shard alone does. */
import { makeShardedHarness } from "../support/sharded-harness.ts";
import { describeLedger } from "./ledger/describe-ledger.ts";

describeLedger("one shard", makeShardedHarness(1));
describeLedger("four shards", makeShardedHarness(4));
