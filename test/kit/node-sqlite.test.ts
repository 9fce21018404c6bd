/** The node:sqlite engine keeps the ledger's contract. */
import { makeSqliteHarness } from "../support/sqlite-harness.ts";
import { describeLedger } from "./ledger/describe-ledger.ts";

describeLedger("node-sqlite", makeSqliteHarness);
