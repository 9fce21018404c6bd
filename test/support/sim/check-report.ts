/** P4 at the instant of an answer: what a report says of each credential is true of the system that honours it. */
import type { TaskReport } from "../../../src/broker/tasks/report.ts";
import type { LeaseReport } from "../../../src/domain/lease-report.ts";
import type { World } from "./world.ts";
import { Violation } from "./violation.ts";

export function checkReport(world: World, report: TaskReport, answerTo: "end" | "read"): void {
  for (const line of report.leases) checkLine(world, line);
  const { task, gate } = report.view;
  if (answerTo === "end") {
    if (task.state.kind !== "ended" || gate.kind === "open")
      throw new Violation("P2", "an end was answered and the gate is open", task);
    const live = report.leases.find((line) => line.verdict === "live");
    if (live !== undefined) throw new Violation("P4", "a live credential in the report of an end", live);
    const story = world.journal.tasks.get(task.id);
    if (story !== undefined) story.answered = new Set(report.leases.map((line) => line.leaseId));
  }
}

function checkLine(world: World, line: LeaseReport): void {
  const credential = world.cloud.byLease(line.leaseId);
  if (credential === undefined || !world.cloud.isAlive(credential)) return;
  const lie = (text: string): Violation => new Violation("P4", text, { line, credential, now: world.time.physical() });
  switch (line.verdict) {
    case "dead-verified":
    case "already-gone":
    case "expired":
    case "never-minted":
      throw lie(`reported ${line.verdict}, but the system honours it`);
    case "dead-unverified":
      if (!world.cloud.liedAbout(line.leaseId)) throw lie("reported dead by the provider's word, which it never gave");
      return;
    case "usable-until": {
      // It was told by a wall that may have been as wrong as it is now.
      const told = (line.usableUntil ?? 0) + Math.abs(world.time.wallError()) + world.climate.skew;
      if (world.time.physical() > told + toleranceMillis) throw lie("usable for longer than reported");
      return;
    }
    case "live":
    case "pending":
    case "needs-a-person":
      return;
  }
}

/** A wall clock that is off by less than anybody notices, both when it was told and now. */
const toleranceMillis = 120_000;
