/** `mayfly task end`: the gate is closed when the broker answers; the report says which credentials are dead by then. */
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { textOf } from "../fields.ts";
import type { ClientFlags } from "../flags.ts";
import { countVerdicts, endExitCode, isDead, leaseLines, sayCouldLose, sayCounts } from "../lease-report.ts";
import type { Outcome } from "../problem.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { completeReport } from "../task-report.ts";
import { printable } from "../terminal.ts";

interface EndFlags extends ClientFlags {
  readonly outcome: string;
  readonly reason?: string;
  readonly wait: number;
}

export async function endTask(shell: Shell, flags: EndFlags, id: string): Promise<Outcome> {
  const { terminal } = shell;
  const api = await openSession(shell, flags, "public");
  if (!api.ok) return api;
  const first = await api.value({
    method: "POST",
    path: `/tasks/${id}/end`,
    json: { outcome: flags.outcome, reason: flags.reason },
    waitSeconds: flags.wait,
    effect: { unchanged: "the task was not ended", maybe: "the task may have ended; ending it again is safe" },
  });
  if (!first.ok) return first;
  const report = await completeReport(api.value, `/tasks/${id}`, first.value);
  if (!report.ok) return report;
  const counts = countVerdicts(report.value.leases);
  const code = flags.wait === 0 ? exitCodes.ok : endExitCode(counts);
  if (flags.json === true) {
    terminal.json(report.value.answer);
    return ok(code);
  }
  terminal.say(printable(`${id} ended: ${textOf(first.value, "outcome")} at ${textOf(first.value, "ended_at")}`));
  sayCounts(terminal, counts);
  sayCouldLose(terminal, first.value);
  const living = report.value.leases.filter((lease) => !isDead(textOf(lease, "verdict")));
  if (living.length > 0) {
    for (const line of leaseLines(living)) terminal.data(line);
    terminal.say(`the broker goes on until they are dead; see \`mayfly task show ${id}\``);
  }
  return ok(code);
}
