/** P2: nothing gets through after the end, the door, the deadline or the silence that covers it, in the ledger's order. */
import type { AuditEntry } from "../../../src/domain/audit-entry.ts";
import { doorKeysOf } from "../../../src/domain/scope.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { RecordIntent } from "../../../src/ports/ledger.ts";
import type { Journal } from "./journal.ts";
import { Violation } from "./violation.ts";

/** For the entry of an intent or of an activation. */
export async function checkGate(
  journal: Journal,
  { lease }: RecordIntent,
  entry: AuditEntry,
  ledger: Ledger,
): Promise<void> {
  const broken = (text: string, facts: unknown): Violation => new Violation("P2", text, { entry, facts });
  const chain = journal.chainOf(lease.taskId);
  for (const { task, endedSequence } of chain) {
    if (endedSequence !== null) throw broken("let through after the end of its task or an ancestor", task);
    if (entry.at >= task.deadlineAt) throw broken("let through after a deadline", task);
    if (task.heartbeat === null) continue;
    // Later signs of life are refused once the gate is closed, so what is read now bounds what was true then.
    const beat = (await ledger.readTask(task.id))?.task.heartbeat ?? task.heartbeat;
    const graced = journal.restartedAt === null ? 0 : journal.restartedAt + beat.everySeconds * 1000;
    if (entry.at >= Math.max(beat.dueAt, graced)) throw broken("let through after silence", { task, beat });
  }
  const own = chain[0]?.task;
  if (own === undefined) return;
  const keys = [...doorKeysOf(lease), ...doorKeysOf({ agent: own.agent, issuer: own.opener.issuer })];
  const closed = keys.find((key) => journal.doors.has(key));
  if (closed !== undefined) throw broken("let through behind a closed door", { closed });
}
