/** `mayfly backup`: a copy of a SQLite ledger. It never overwrites a file. */
import type { Command } from "commander";
import { ok, type Result } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { withExamples, withJson, type OutputFlags } from "../flags.ts";
import { failed, missingFlag, misused, type Outcome, type Problem } from "../problem.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";

interface BackupFlags extends OutputFlags {
  readonly ledger?: string;
}

export function addBackupCommand(program: Command, run: Run): void {
  const backup = program.command("backup").description("copy the ledger to a new file, while the broker works on it");
  backup.argument("<file>", "the copy; only its owner may read it");
  backup.option("--ledger <ledger>", "sqlite:FILE, the ledger that the broker uses (MAYFLY_LEDGER)");
  withExamples(
    withJson(backup),
    "mayfly backup /backups/ledger-$(date +%F).db --ledger sqlite:/var/lib/mayfly/ledger.db",
  );
  backup.action(run(backUp));
}

async function ledgerFile(shell: Shell, flags: BackupFlags): Promise<Result<string, Problem>> {
  const ledger = flags.ledger ?? shell.env["MAYFLY_LEDGER"];
  if (ledger === undefined || ledger === "")
    return missingFlag("--ledger", "--ledger sqlite:/var/lib/mayfly/ledger.db");
  const { parseLedgerFile } = await import("../../entry/ledger-choice.ts");
  const file = parseLedgerFile(ledger);
  return file.ok ? file : misused(`${file.fault.setting} ${file.fault.message}`, file.fault.fix);
}

async function backUp(shell: Shell, flags: BackupFlags, given: string): Promise<Outcome> {
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
