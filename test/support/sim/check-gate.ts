/** P2: nothing gets through after the end, the door, the deadline or the silence that covers it, in the ledger's order. */
import type { AuditEntry } from "../../../src/domain/audit-entry.ts";
import { doorKeysOf } from "../../../src/domain/scope.ts";
import type { RecordIntent } from "../../../src/ports/ledger-commands.ts";
import type { Journal, TaskStory } from "./journal.ts";
import { Violation } from "./violation.ts";

/** A door is closed shard by shard. */
export const doorIn = (shard: number, scope: string): string => `${shard} ${scope}`;

/** For the entry of an intent or of an activation. */
export function checkGate(journal: Journal, { lease }: RecordIntent, entry: AuditEntry): void {
  const broken = (text: string, facts: unknown): Violation => new Violation("P2", text, { entry, facts });
  const chain = journal.chainOf(lease.taskId);
  for (const story of chain) {
    const { task, endedAt } = story;
    if (endedAt !== null) throw broken("let through after the end of its task or an ancestor", task);
    if (entry.at >= task.deadlineAt) throw broken("let through after a deadline", task);
    if (entry.at >= silenceOf(journal, story, entry.at)) throw broken("let through after silence", story);
  }
  const own = chain[0]?.task;
  if (own === undefined) return;
  const keys = [...doorKeysOf(lease), ...doorKeysOf({ agent: own.agent, issuer: own.opener.issuer })];
  const closed = keys.find((key) => journal.doors.has(doorIn(entry.shard, key)));
  if (closed !== undefined) throw broken("let through behind a closed door", { closed });
}

/** When silence closes the gate, by the signs of life that came before `at` and the grace after a restart. */
export function silenceOf(journal: Journal, { task, beats }: TaskStory, at: number): number {
  if (task.heartbeat === null) return Number.POSITIVE_INFINITY;
  const everyMillis = task.heartbeat.everySeconds * 1000;
  const heard = beats.filter((dueAt) => dueAt - everyMillis <= at);
  const graced = journal.restartedAt === null ? 0 : journal.restartedAt + everyMillis;
  return Math.max(...heard, graced);
}
