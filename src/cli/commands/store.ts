/** `mayfly backup` and `restore`: copies of the ledger. Neither ever overwrites a file. */
import type { Command } from "commander";
import { ok, type Result } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { withExamples, withJson, type OutputFlags } from "../flags.ts";
import { failed, missingFlag, misused, type Outcome, type Problem } from "../problem.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";

interface StoreFlags extends OutputFlags {
  readonly ledger?: string;
}

const ledgerWords = "sqlite:FILE, the ledger that the broker uses (MAYFLY_LEDGER)";

export function addStoreCommands(program: Command, run: Run): void {
  const backup = program.command("backup").description("copy the ledger to a new file, while the broker works on it");
  backup.argument("<file>", "the copy; only its owner may read it");
  backup.option("--ledger <ledger>", ledgerWords);
  withExamples(
    withJson(backup),
    "mayfly backup /backups/ledger-$(date +%F).db --ledger sqlite:/var/lib/mayfly/ledger.db",
  );
  backup.action(run(backUp));

  const restore = program
    .command("restore")
    .description(
      "make a backup the ledger, while no broker runs; all that it holds is ended and killed before anything is issued",
    );
  restore.argument("<file>", "what `mayfly backup` wrote");
  restore.option("--ledger <ledger>", ledgerWords);
  withExamples(withJson(restore), "mayfly restore /backups/ledger.db --ledger sqlite:/var/lib/mayfly/ledger.db");
  restore.action(run(restoreBackup));
}

async function ledgerFile(shell: Shell, flags: StoreFlags): Promise<Result<string, Problem>> {
  const ledger = flags.ledger ?? shell.env["MAYFLY_LEDGER"];
  if (ledger === undefined || ledger === "")
    return missingFlag("--ledger", "--ledger sqlite:/var/lib/mayfly/ledger.db");
  const { parseLedgerFile } = await import("../../entry/ledger-choice.ts");
  const file = parseLedgerFile(ledger);
  return file.ok ? file : misused(`${file.fault.setting} ${file.fault.message}`, file.fault.fix);
}

async function backUp(shell: Shell, flags: StoreFlags, given: string): Promise<Outcome> {
  const ledger = await ledgerFile(shell, flags);
  if (!ledger.ok) return ledger;
  const { backupLedger } = await import("../../entry/backup-ledger.ts");
  const copied = backupLedger(ledger.value, given);
  if (!copied.ok) {
    const { message, fix } = copied.fault;
    return failed({ what: message, unchanged: "the ledger is as it was; there is no copy", next: fix });
  }
  const { file, bytes } = copied.value;
  if (flags.json === true) shell.terminal.json({ file, bytes });
  else
    shell.terminal.say(`copied ${bytes} bytes to ${file}; keep the sealing ring too, the copy is of no use without it`);
  return ok(exitCodes.ok);
}

async function restoreBackup(shell: Shell, flags: StoreFlags, given: string): Promise<Outcome> {
  const ledger = await ledgerFile(shell, flags);
  if (!ledger.ok) return ledger;
  const { restoreLedger } = await import("../../entry/restore-ledger.ts");
  const restored = restoreLedger(given, ledger.value);
  if (!restored.ok) {
    const { message, fix } = restored.fault;
    return failed({ what: message, unchanged: "the ledger and the backup are as they were", next: fix });
  }
  const { generation, replaced } = restored.value;
  if (flags.json === true) {
    shell.terminal.json({ ledger: ledger.value, generation, replaced });
    return ok(exitCodes.ok);
  }
  shell.terminal.say(
    `${ledger.value} is generation ${generation} now; a broker that starts on it first kills all that it holds`,
  );
  if (replaced !== null) {
    shell.terminal.say(
      `the ledger that stood there is kept as ${replaced}: it may name credentials that the backup does not know`,
    );
  }
  return ok(exitCodes.ok);
}
