/** The Redis engine keeps the ledger's contract. */
import { makeRedisHarness } from "../support/redis-harness.ts";
import { describeLedger } from "./ledger/describe-ledger.ts";

describeLedger("redis", makeRedisHarness);
