/** `mayfly backup` and `restore`: copies of the ledger. Neither ever overwrites a file. */
import type { Command } from "commander";
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { withExamples, withJson, type OutputFlags } from "../flags.ts";
import { failed, missingFlag, misused, type Outcome } from "../problem.ts";
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
}

async function backUp(shell: Shell, flags: StoreFlags, file: string): Promise<Outcome> {
  const ledger = flags.ledger ?? shell.env["MAYFLY_LEDGER"];
  if (ledger === undefined || ledger === "")
    return missingFlag("--ledger", "--ledger sqlite:/var/lib/mayfly/ledger.db");
  const { parseLedger } = await import("../../entry/config.ts");
  const source = parseLedger(ledger);
  if (!source.ok) return misused(`${source.fault.setting} ${source.fault.message}`, source.fault.fix);
  const { backupLedger } = await import("../../entry/backup-ledger.ts");
  const copied = backupLedger(source.value, file);
  if (!copied.ok)
    return failed({
      what: copied.fault.message,
      unchanged: "the ledger is as it was; there is no copy",
      next: copied.fault.fix,
    });
  const { bytes } = copied.value;
  if (flags.json === true) shell.terminal.json({ file: copied.value.file, bytes });
  else
    shell.terminal.say(`copied ${bytes} bytes to ${copied.value.file}; keep it with the sealing ring, which it needs`);
  return ok(exitCodes.ok);
}
