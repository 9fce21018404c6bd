/**
 * Follows a kill through the audit: which credentials it made due, and the last word on each. The audit is the one
 * record that holds every verdict, whatever the kill's scope.
 */
import { ok, type Result } from "../kernel/result.ts";
import { readsOnly, type Api } from "./api.ts";
import { fieldsOf, listOf, optionalText, textOf, textsOf, type Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

export interface KillTally {
  /** Reads what is new; at most `maxPages` a call, so that a busy broker's audit cannot hold the display. */
  follow(): Promise<Result<void, Problem>>;
  /** The verdict of each credential of this kill, in the words of a task's report. */
  verdicts(): ReadonlyMap<string, string>;
  /** Whether the last read reached the end of the audit. */
  isComplete(): boolean;
}

const maxPages = 50;

/** Reads on from `after`, a place in the audit before the kill. `taskId` is null for a kill that left a door: then every credential counts that a door made due. */
export function createKillTally(api: Api, options: { after: string; taskId: string | null }): KillTally {
  const { taskId } = options;
  let { after } = options;
  let complete = false;
  const verdicts = new Map<string, string>();
  /** The task and, as they are ended with it, the tasks under it. */
  const tasks = new Set(taskId === null ? [] : [taskId]);
  const isOurs = (entry: Fields, cause: string): boolean =>
    taskId === null ? cause === "door_closed" : cause === "task_ended" && tasks.has(textOf(entry, "task_id"));

  const take = (entry: Fields): void => {
    const lease = optionalText(entry, "lease_id");
    const data = fieldsOf(entry, "data");
    const type = textOf(entry, "type");
    if (type === "task.ended" && textOf(data, "outcome") === "parent_ended") tasks.add(textOf(entry, "task_id"));
    if (type === "lease.due" && isOurs(entry, textOf(data, "cause")))
      for (const id of lease === null ? textsOf(data, "leases") : [lease])
        verdicts.set(id, verdicts.get(id) ?? "pending");
    if (lease === null) return;
    const verdict = verdictOf(type, textOf(data, "verdict"));
    if (verdict !== null && verdicts.has(lease)) verdicts.set(lease, verdict);
  };

  return {
    async follow() {
      complete = false;
      for (let page = 0; page < maxPages && !complete; page += 1) {
        const query = { after };
        const answer = await api({ method: "GET", path: "/audit/entries", query, effect: readsOnly });
        if (!answer.ok) return answer;
        const entries = listOf(answer.value, "entries");
        for (const entry of entries) take(entry);
        after = textOf(answer.value, "next");
        complete = entries.length === 0;
      }
      return ok();
    },
    verdicts: () => verdicts,
    isComplete: () => complete,
  };
}

function verdictOf(type: string, verdict: string): string | null {
  if (type === "lease.revoked") return verdict;
  if (type === "lease.expired") return "expired";
  if (type === "lease.mint_failed") return "never-minted";
  if (type === "lease.stuck") return "needs-a-person";
  if (type === "lease.attempted") return verdict === "expires-only" ? "usable-until" : "pending";
  return null;
}
