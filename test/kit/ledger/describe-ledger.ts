/**
 * The conformance kit of the ledger port. An engine is trusted when `describeLedger("name", makeHarness)` is green:
 * tables of named rows by theme, and random runs in lockstep with the model.
 */
import { describe } from "vitest";
import { describeGate } from "./gate.ts";
import type { MakeHarness } from "./harness.ts";
import { describeTasks } from "./tasks.ts";

export type { LedgerHarness, MakeHarness } from "./harness.ts";

export function describeLedger(name: string, make: MakeHarness): void {
  describe(`ledger ${name}`, () => {
    describeTasks(make);
    describeGate(make);
  });
}
