/** `mayfly task open`. The id alone goes to stdout, so that a shell can keep it in a variable. */
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { textOf } from "../fields.ts";
import type { ClientFlags } from "../flags.ts";
import { missingFlag, type Outcome } from "../problem.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { printable } from "../terminal.ts";
import type { NamedValue } from "../values.ts";

export interface TemplateWish {
  readonly template: string;
  readonly parameters: Record<string, unknown>;
}

interface OpenFlags extends ClientFlags {
  readonly agent?: string;
  readonly template?: readonly TemplateWish[];
  readonly deadline?: number;
  readonly heartbeat?: number;
  readonly heartbeatFrom?: string;
  readonly parent?: string;
  readonly purpose?: string;
  readonly ticket?: string;
  readonly context?: readonly NamedValue[];
}

export async function openTask(shell: Shell, flags: OpenFlags): Promise<Outcome> {
  const { terminal } = shell;
  const { agent, template: templates, deadline } = flags;
  if (agent === undefined) return missingFlag("--agent", "--agent invoice-bot");
  if (templates === undefined) return missingFlag("--template", "--template ledger-read");
  if (deadline === undefined) return missingFlag("--deadline", "--deadline 15m");
  const api = await openSession(shell, flags, "public");
  if (!api.ok) return api;
  const answer = await api.value({
    method: "POST",
    path: "/tasks",
    json: {
      agent,
      templates: templates.map(({ template, parameters }) =>
        Object.keys(parameters).length === 0 ? { template } : { template, parameters },
      ),
      deadline_seconds: deadline,
      heartbeat_seconds: flags.heartbeat,
      heartbeat_from: flags.heartbeatFrom,
      parent_task_id: flags.parent,
      purpose: flags.purpose,
      ticket: flags.ticket,
      context:
        flags.context === undefined
          ? undefined
          : Object.fromEntries(flags.context.map(({ name, value }) => [name, value])),
    },
    effect: { unchanged: "no task was opened", maybe: "a task may be open; it ends by itself at its deadline" },
  });
  if (!answer.ok) return answer;
  if (flags.json === true) {
    terminal.json(answer.value);
    return ok(exitCodes.ok);
  }
  terminal.data(textOf(answer.value, "task_id"));
  const silence = textOf(answer.value, "heartbeat_due_at");
  terminal.say(
    printable(
      `open until ${textOf(answer.value, "deadline_at")}${silence === "" ? "" : `; first heartbeat due by ${silence}`}`,
    ),
  );
  return ok(exitCodes.ok);
}
