/**
 * A vitest reporter for `scripts/test.ts`: writes one stage's test counts, and why tests were skipped, to the JSON file
 * named by MAYFLY_STAGE_REPORT. Vitest's own JSON report leaves the skip reasons out.
 */
import { writeFileSync } from "node:fs";
import { env } from "node:process";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

export interface StageReport {
  passed: number;
  failed: number;
  skipped: number;
  /** Reason given to `context.skip(reason)`, with the number of tests it left out. */
  skipReasons: Record<string, number>;
}

export default class StageReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const report: StageReport = { passed: 0, failed: unhandled.length, skipped: 0, skipReasons: {} };
    for (const module of modules) {
      const failedBefore = report.failed;
      for (const test of module.children.allTests()) count(report, test.result());
      // A file that cannot be loaded, or a failing hook, fails no single test and would go unseen.
      if (!module.ok() && report.failed === failedBefore) report.failed += 1;
    }
    const file = env["MAYFLY_STAGE_REPORT"];
    if (file) writeFileSync(file, JSON.stringify(report));
  }
}

function count(report: StageReport, result: { state: string; note?: string | undefined }): void {
  if (result.state === "passed") report.passed += 1;
  else if (result.state === "failed") report.failed += 1;
  else {
    report.skipped += 1;
    const reason = result.note ?? "no reason given";
    report.skipReasons[reason] = (report.skipReasons[reason] ?? 0) + 1;
  }
}
