/**
 * `mayfly kill`: a dry run first, always. Only `--yes`, or the scope's name typed at a terminal, does it. Then it shows
 * the dying and ends with a report; the kill itself is durable before the first line of progress.
 */
import type { Command } from "commander";
import { err, ok, type Result } from "../../kernel/result.ts";
import { readsOnly, type Api } from "../api.ts";
import { askBlastRadius, blastRadiusJson, sayBlastRadius, scopeBody, type BlastRadius } from "../blast-radius.ts";
import { exitCodes } from "../exit-code.ts";
import { textOf, type Fields } from "../fields.ts";
import { withAdmin, withExamples, type ClientFlags } from "../flags.ts";
import { reportKill } from "../kill-report.ts";
import { createKillTally, type KillTally } from "../kill-tally.ts";
import { watchKill } from "../kill-watch.ts";
import { failed, missingFlag, type Outcome, type Problem } from "../problem.ts";
import type { Run } from "../run.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { durationSeconds, killScope } from "../values.ts";

interface KillFlags extends ClientFlags {
  readonly scope?: string;
  readonly reason: string;
  readonly yes?: boolean;
}

export function addKillCommand(program: Command, run: Run): void {
  const command = program
    .command("kill")
    .description("revoke everything of a task, agent, template, provider or issuer; a dry run unless told otherwise");
  command.option("--scope <scope>", "task:ID, agent:NAME, template:NAME, provider:NAME, issuer:NAME or all", killScope);
  command.option("--reason <text>", "why; kept in the audit and shown at the closed door", "killed by an operator");
  command.option("--yes", "do it, without a question");
  withExamples(
    withAdmin(command, {
      timeout: command
        .createOption("--timeout <span>", "how long to watch the dying; it goes on without watching")
        .argParser(durationSeconds)
        .default(60, "60s"),
    }),
    "mayfly kill --scope agent:invoice-bot",
    "mayfly kill --scope task:tsk_01arz3ndektsv4rrffq69 --reason 'ran amok' --yes",
    "mayfly kill --scope all --yes --timeout 5m --json > report.json",
  );
  command.action(run(runKill));
}

type Wish = KillFlags & { readonly scope: string };

async function runKill(shell: Shell, flags: KillFlags): Promise<Outcome> {
  const { scope } = flags;
  return scope === undefined ? missingFlag("--scope", "--scope agent:invoice-bot") : kill(shell, { ...flags, scope });
}

async function kill(shell: Shell, flags: Wish): Promise<Outcome> {
  const { terminal } = shell;
  const { scope } = flags;
  const watchSeconds = flags.timeout ?? 60;
  const api = await openSession(shell, { ...flags, timeout: 30 }, "admin");
  if (!api.ok) return api;
  const radius = await askBlastRadius(api.value, scope);
  if (!radius.ok) return radius;
  sayBlastRadius(terminal, scope, radius.value);
  const consent = await askConsent(shell, flags);
  if (consent !== "yes") return explainNothing(shell, flags, radius.value, consent);

  const tally = await tallyFrom(api.value, scope);
  const killed = await order(api.value, flags);
  if (!killed.ok) return killed;
  const watched = await watchKill(shell, {
    hit: radius.value.leases,
    timeoutMillis: watchSeconds * 1000,
    left: () => askBlastRadius(api.value, scope),
    tally,
    quiet: flags.json === true,
  });
  if (!watched.ok)
    return err({ ...watched.fault, unchanged: "the kill was ordered and goes on; only watching it failed" });
  return reportKill(shell, api.value, { flags, order: killed.value, radius: radius.value, watched: watched.value });
}

async function askConsent(shell: Shell, flags: Wish) {
  if (flags.yes === true) return "yes";
  const { terminal } = shell;
  if (flags.input === false || flags.json === true || !terminal.mayAsk) return "dry run";
  const typed = await terminal.ask(
    `Type ${terminal.style.strong(flags.scope)} to kill it, anything else to leave it: `,
  );
  return typed.trim() === flags.scope ? "yes" : "no";
}

function explainNothing(shell: Shell, flags: Wish, radius: BlastRadius, why: "no" | "dry run"): Outcome {
  const { terminal } = shell;
  if (why === "no") {
    return failed({
      what: "the scope was not typed",
      unchanged: "nothing was killed",
      next: "run it again and type the scope, or add --yes",
    });
  }
  if (flags.json === true) terminal.json({ scope: flags.scope, dry_run: true, blast_radius: blastRadiusJson(radius) });
  terminal.say("dry run: nothing was changed; add --yes to do it");
  return ok(exitCodes.ok);
}

async function order(api: Api, flags: Wish): Promise<Result<Fields, Problem>> {
  return api({
    method: "POST",
    path: "/admin/kill",
    json: { scope: scopeBody(flags.scope), reason: flags.reason },
    effect: { unchanged: "nothing was killed", maybe: "the kill may have been ordered; ordering it again is safe" },
  });
}

/** From where the audit ends before the kill. Where that cannot be read, the kill is watched by counts alone. */
async function tallyFrom(api: Api, scope: string): Promise<KillTally | null> {
  const head = await api({ method: "GET", path: "/audit/head", effect: readsOnly });
  const taskId = scope.startsWith("task:") ? scope.slice("task:".length) : null;
  return head.ok ? createKillTally(api, { after: textOf(head.value, "next"), taskId }) : null;
}
