/** `mayfly task show` and `heartbeat`. */
import { ok } from "../../kernel/result.ts";
import { readsOnly } from "../api.ts";
import { exitCodes } from "../exit-code.ts";
import { optionalText, textOf, type Fields } from "../fields.ts";
import type { ClientFlags } from "../flags.ts";
import { leaseLines } from "../lease-report.ts";
import type { Outcome } from "../problem.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { completeReport } from "../task-report.ts";

export async function showTask(shell: Shell, flags: ClientFlags & { wait?: number }, id: string): Promise<Outcome> {
  const { terminal } = shell;
  const api = await openSession(shell, flags, "public");
  if (!api.ok) return api;
  const path = `/tasks/${id}`;
  const first = await api.value({ method: "GET", path, waitSeconds: flags.wait ?? 0, effect: readsOnly });
  if (!first.ok) return first;
  const report = await completeReport(api.value, path, first.value);
  if (!report.ok) return report;
  if (flags.json === true) {
    terminal.json(report.value.answer);
    return ok(exitCodes.ok);
  }
  for (const line of taskLines(report.value.answer)) terminal.data(line);
  if (report.value.leases.length > 0) for (const line of ["", ...leaseLines(report.value.leases)]) terminal.data(line);
  return ok(exitCodes.ok);
}

const shown = ["state", "outcome", "agent", "purpose", "ticket", "ended_at", "deadline_at", "heartbeat_due_at"];

function taskLines(task: Fields): string[] {
  const rows = shown.flatMap((name) => {
    const value = optionalText(task, name);
    return value === null ? [] : [`${name.replaceAll("_", " ").padEnd(16)} ${value}`];
  });
  return [`${"task".padEnd(16)} ${textOf(task, "task_id")}`, ...rows];
}

export async function heartbeatTask(shell: Shell, flags: ClientFlags, id: string): Promise<Outcome> {
  const { terminal } = shell;
  const api = await openSession(shell, flags, "public");
  if (!api.ok) return api;
  const answer = await api.value({
    method: "POST",
    path: `/tasks/${id}/heartbeat`,
    json: {},
    effect: { unchanged: "the heartbeat did not count", maybe: "the heartbeat may have counted; send the next one" },
  });
  if (!answer.ok) return answer;
  if (flags.json === true) terminal.json(answer.value);
  else for (const line of taskLines({ task_id: id, ...answer.value })) terminal.data(line);
  return ok(exitCodes.ok);
}
