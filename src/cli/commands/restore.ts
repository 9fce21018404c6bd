/**
 * `mayfly restore`: what a backup holds is ended before anything is issued again. A SQLite backup is put in place of the
 * ledger, which is kept. On Redis the operator has put the data back, so this asks first: a dry run without consent.
 */
import type { Command } from "commander";
import type { LedgerHealth } from "../../ports/ledger-views.ts";
import { unreachable } from "../../kernel/unreachable.ts";
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { withExamples, withJson, type OutputFlags } from "../flags.ts";
import { failed, missingFlag, misused, type Outcome } from "../problem.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";

interface RestoreFlags extends OutputFlags {
  readonly ledger?: string;
  readonly yes?: boolean;
  readonly input?: boolean;
}

export function addRestoreCommand(program: Command, run: Run): void {
  const restore = program
    .command("restore")
    .description(
      "make a backup the ledger, while no broker runs; all that it holds is ended and killed before anything is issued",
    );
  restore.argument("[file]", "what `mayfly backup` wrote; none for Redis, whose data you have put back before");
  restore.option("--ledger <ledger>", "sqlite:FILE or redis://HOST, the ledger that the broker uses (MAYFLY_LEDGER)");
  restore.option("--yes", "on Redis: do it, without a question");
  restore.option("--no-input", "never ask a question");
  withExamples(
    withJson(restore),
    "mayfly restore /backups/ledger.db --ledger sqlite:/var/lib/mayfly/ledger.db",
    "mayfly restore --ledger rediss://mayfly@redis.internal:6379 --yes",
  );
  restore.action(run(restoreBackup));
}

async function restoreBackup(shell: Shell, flags: RestoreFlags, file: string | undefined): Promise<Outcome> {
  const ledger = flags.ledger ?? shell.env["MAYFLY_LEDGER"];
  if (ledger === undefined || ledger === "")
    return missingFlag("--ledger", "--ledger sqlite:/var/lib/mayfly/ledger.db");
  const { parseLedger } = await import("../../entry/ledger-choice.ts");
  const choice = parseLedger(ledger, flags.ledger === undefined ? "environment" : "flag");
  if (!choice.ok) return misused(`${choice.fault.setting} ${choice.fault.message}`, choice.fault.fix);
  switch (choice.value.kind) {
    case "sqlite":
      return file === undefined
        ? misused("no backup is named", "name what `mayfly backup` wrote, as in mayfly restore /backups/ledger.db")
        : restoreFile(shell, flags, { from: file, to: choice.value.file });
    case "redis":
      return file === undefined
        ? restoreRedis(shell, flags, ledger)
        : misused(
            "a Redis ledger is not restored from a file",
            "put the snapshot or the append-only files back as the Redis documentation says, then run this without a file",
          );
    default:
      return unreachable(choice.value);
  }
}

async function restoreFile(
  shell: Shell,
  flags: RestoreFlags,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<Outcome> {
  const { restoreLedger } = await import("../../entry/restore-ledger.ts");
  const restored = restoreLedger(from, to);
  if (!restored.ok) {
    const { message, fix } = restored.fault;
    return failed({ what: message, unchanged: "the ledger and the backup are as they were", next: fix });
  }
  const { generation, replaced } = restored.value;
  if (flags.json === true) {
    shell.terminal.json({ ledger: to, generation, replaced });
    return ok(exitCodes.ok);
  }
  shell.terminal.say(`${to} is generation ${generation} now; a broker that starts on it first kills all that it holds`);
  if (replaced !== null) {
    shell.terminal.say(
      `the ledger that stood there is kept as ${replaced}: it may name credentials that the backup does not know`,
    );
  }
  return ok(exitCodes.ok);
}

async function restoreRedis(shell: Shell, flags: RestoreFlags, url: string): Promise<Outcome> {
  const { terminal } = shell;
  const isQuiet = flags.json === true;
  const entry = await import("../../entry/restore-ledger.ts");
  const restored = await entry.restoreRedis(url, shell.env, (health) => {
    const { openTasks, liveLeases } = health.counts;
    if (!isQuiet)
      terminal.say(
        `ends ${openTasks} open tasks and kills ${liveLeases} live credentials: all that generation ${health.generation} holds`,
      );
    return askConsent(shell, flags);
  });
  if (!restored.ok) return failed({ what: restored.fault.message, next: restored.fault.fix });
  const end = restored.value;
  switch (end.kind) {
    case "left":
      if (isQuiet) terminal.json({ dry_run: true, blast_radius: radiusJson(end.found) });
      terminal.say("dry run: nothing was changed; add --yes to do it");
      return ok(exitCodes.ok);
    case "broken_off":
      return failed({
        what: end.why === "in_use" ? "a broker was started meanwhile" : "the servers did not answer for every shard",
        unchanged: "a part of the ledger may be restored: start no broker before all of it is",
        next: end.why === "in_use" ? "stop every node, and run it again" : "see to the servers, and run it again",
      });
    case "restored":
      if (isQuiet) terminal.json({ generation: end.generation, blast_radius: radiusJson(end.found) });
      else sayRestored(shell, end.generation);
      return ok(exitCodes.ok);
    default:
      return unreachable(end);
  }
}

/** What no backup can know is the operator's to see to. */
function sayRestored({ terminal }: Shell, generation: number): void {
  terminal.say(
    `the ledger is generation ${generation} now; the brokers that start on it first kill all that it holds, then issue`,
  );
  terminal.say("doors that were closed after the backup are open again: see `mayfly door ls` as soon as a broker runs");
}

const radiusJson = ({ generation, counts }: LedgerHealth) => ({
  generation,
  open_tasks: counts.openTasks,
  live_leases: counts.liveLeases,
});

async function askConsent({ terminal }: Shell, flags: RestoreFlags): Promise<boolean> {
  if (flags.yes === true) return true;
  if (flags.input === false || flags.json === true || !terminal.mayAsk) return false;
  const typed = await terminal.ask(`Type ${terminal.style.strong("restore")} to do it, anything else to leave it: `);
  return typed.trim() === "restore";
}
