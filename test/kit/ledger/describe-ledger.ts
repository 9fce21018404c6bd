/**
 * The conformance kit of the ledger port. An engine is trusted when `describeLedger("name", makeHarness)` is green:
 * tables of named rows by theme, and random runs in lockstep with the model.
 */
import { describe } from "vitest";
import { describeAudit } from "./audit.ts";
import { describeClaims } from "./claims.ts";
import { describeDenials } from "./denials.ts";
import { describeDoors } from "./doors.ts";
import { describeGate } from "./gate.ts";
import type { MakeHarness } from "./harness.ts";
import { describeIdempotency } from "./idempotency.ts";
import { describeIssuing } from "./issuing.ts";
import { describeLateMints } from "./late-mints.ts";
import { describeLimits } from "./limits.ts";
import { describeSharedFacts } from "./shared-facts.ts";
import { describeLockstep, usualLockstepRuns } from "./lockstep.ts";
import { describePaging } from "./paging.ts";
import { describeRestart } from "./restart.ts";
import { describeTargets } from "./targets.ts";
import { describeTaskLimits } from "./task-limits.ts";
import { describeTasks } from "./tasks.ts";
import { describeTime } from "./time.ts";
import { describeVerdicts } from "./verdicts.ts";

export type { LedgerHarness, MakeHarness } from "./harness.ts";

export function describeLedger(
  name: string,
  make: MakeHarness,
  { lockstepRuns = usualLockstepRuns }: { readonly lockstepRuns?: number } = {},
): void {
  describe(`ledger ${name}`, () => {
    describeTasks(make);
    describeGate(make);
    describeDoors(make);
    describeIssuing(make);
    describeLimits(make);
    describeTaskLimits(make);
    describeIdempotency(make);
    describeClaims(make);
    describeLateMints(make);
    describeVerdicts(make);
    describeTargets(make);
    describeDenials(make);
    describeSharedFacts(make);
    describeTime(make);
    describeRestart(make);
    describePaging(make);
    describeAudit(make);
    describeLockstep(make, lockstepRuns);
  });
}
