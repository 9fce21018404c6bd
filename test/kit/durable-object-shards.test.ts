/** The ledger over many shards keeps the ledger's contract. Over one shard it is that shard. */
import { makeShardedHarness } from "../support/sharded-harness.ts";
import { describeLedger } from "./ledger/describe-ledger.ts";

describeLedger("four shards", makeShardedHarness(4));
