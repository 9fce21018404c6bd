/** `mayfly audit tail`: the entries in order, one line each, and with `--follow` those to come. */
import type { Command } from "commander";
import { ok, type Result } from "../../kernel/result.ts";
import { readsOnly, type Api } from "../api.ts";
import { exitCodes } from "../exit-code.ts";
import { fieldsOf, listOf, numberOf, optionalText, textOf, type Fields } from "../fields.ts";
import { withAdmin, withExamples, type ClientFlags } from "../flags.ts";
import type { Outcome, Problem } from "../problem.ts";
import type { Run } from "../run.ts";
import { openSession } from "../session.ts";
import { pause, type Shell } from "../shell.ts";
import type { Terminal } from "../terminal.ts";
import { auditCursor, pageCount, taskId } from "../values.ts";

interface TailFlags extends ClientFlags {
  readonly task?: string;
  readonly after?: string;
  readonly last?: number;
  readonly follow?: boolean;
}

const followMillis = 1_000;

export function addAuditCommands(program: Command, run: Run): void {
  const audit = program.command("audit").description("the record of every change");
  const tail = audit.command("tail").description("the audit entries, oldest first; with --json one document a line");
  tail.option("--task <task-id>", "only those of one task", taskId);
  tail.option("--after <cursor>", "begin where an earlier reading ended", auditCursor);
  tail.option("--last <count>", "only the newest so many, as in --last 20", pageCount);
  tail.option("--follow", "go on with new entries until stopped");
  withExamples(
    withAdmin(tail),
    "mayfly audit tail --last 20 --follow",
    "mayfly audit tail --task $TASK",
    "mayfly audit tail --after $CURSOR --json",
  );
  tail.action(run(tailAudit));
}

async function tailAudit(shell: Shell, flags: TailFlags): Promise<Outcome> {
  const { terminal } = shell;
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const signal = shell.stopSignal();
  let { after, last } = flags;
  for (;;) {
    const page = await readPage(api.value, { task: flags.task, after, last });
    if (!page.ok) return page;
    for (const entry of page.value.entries) print(terminal, flags, entry);
    after = page.value.after;
    last = undefined;
    if (terminal.isClosed() || signal.aborted) return ok(exitCodes.ok);
    if (page.value.entries.length > 0) continue;
    if (flags.follow !== true) {
      terminal.say(`that is all for now; what comes later: --after ${after}`);
      return ok(exitCodes.ok);
    }
    if (!(await pause(shell, followMillis, signal))) return ok(exitCodes.ok);
  }
}

interface Page {
  readonly entries: readonly Fields[];
  readonly after: string;
}

interface Wanted {
  readonly task: string | undefined;
  readonly after: string | undefined;
  readonly last: number | undefined;
}

async function readPage(api: Api, { task, after, last }: Wanted): Promise<Result<Page, Problem>> {
  const query = { task_id: task, after, last: last?.toString() };
  const answer = await api({ method: "GET", path: "/audit/entries", query, effect: readsOnly });
  if (!answer.ok) return answer;
  return ok({ entries: listOf(answer.value, "entries"), after: textOf(answer.value, "next") });
}

function print(terminal: Terminal, flags: TailFlags, entry: Fields): void {
  if (flags.json === true) {
    terminal.data(JSON.stringify(entry));
    return;
  }
  const subject = optionalText(entry, "lease_id") ?? optionalText(entry, "task_id") ?? "";
  const request = optionalText(entry, "request_id");
  const { evidence: _evidence, ...data } = fieldsOf(entry, "data");
  const facts = Object.entries(data).map(
    ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  terminal.data(
    [
      `${numberOf(entry, "shard")}:${numberOf(entry, "sequence")}`,
      textOf(entry, "at"),
      textOf(entry, "type").padEnd(18),
      textOf(entry, "actor"),
      subject,
      ...facts,
      request === null ? "" : `request=${request}`,
    ]
      .filter(Boolean)
      .join("  "),
  );
}
