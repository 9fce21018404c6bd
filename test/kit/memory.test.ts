/** The model passes its own kit: what it gets wrong, every engine would be asked to get wrong. */
import { describeLedger } from "./ledger/describe-ledger.ts";
import { makeMemoryHarness } from "./ledger/memory-harness.ts";

describeLedger("memory", makeMemoryHarness);
