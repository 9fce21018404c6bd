/** The command tree, and what commander says in its own name: help, version, wrong flags. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { addAuditCommands } from "./commands/audit.ts";
import { addClockCommands } from "./commands/clock.ts";
import { addDoorCommands } from "./commands/door.ts";
import { addStuckCommands } from "./commands/stuck.ts";
import { addTargetCommands } from "./commands/targets.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addKeysCommands } from "./commands/keys.ts";
import { addKillCommand } from "./commands/kill.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addProviderCommands } from "./commands/provider.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addBackupCommand } from "./commands/backup.ts";
import { addRestoreCommand } from "./commands/restore.ts";
import { addTaskCommands } from "./commands/task.ts";
import { addTokenCommand } from "./commands/token.ts";
import { exitCodes, type ExitCode } from "./exit-code.ts";
import { createRun, type Run, type RunState } from "./run.ts";
import type { Shell } from "./shell.ts";

const environment = `
Environment:
  MAYFLY_URL, MAYFLY_ADMIN_URL   the broker and its admin listener
  MAYFLY_ATTESTATION_FILE        who you are: the file with the token
  MAYFLY_ATTESTATION             or the token itself
  MAYFLY_POLICY, MAYFLY_LEDGER   and so on: the flags of \`mayfly serve\`
  NO_COLOR                       no colours

Exit codes:
  0 done   1 failed   2 wrong flags   3 denied   5 the attestation or the task is over
  6 a provider or an issuer does not do its part, or something is not dead yet
  7 the ledger and its audit cannot be written`;

export async function runCommandLine(args: readonly string[], shell: Shell): Promise<ExitCode> {
  const state: RunState = { exitCode: exitCodes.ok };
  const program = createProgram(createRun(shell, state), shell);
  try {
    await program.parseAsync(args, { from: "user" });
    const lost = await shell.terminal.settle();
    if (lost === null) return state.exitCode;
    shell.terminal.say(`mayfly: not all of the output could be written (${lost})`);
    return state.exitCode === exitCodes.ok ? exitCodes.error : state.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    throw error;
  }
}

function createProgram(run: Run, shell: Shell): Command {
  const program = new Command("mayfly")
    .description("short-lived credentials for AI agents: every task gets its own keys, and they die with it")
    .version(version(), "--version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError("  next: add --help to see every flag with examples")
    .configureOutput({
      writeOut: (text) => void shell.terminal.exact(text),
      writeErr: (text) => shell.terminal.say(text.trimEnd()),
      outputError: (text, write) => write(plainError(text)),
    })
    .addHelpText("after", environment);
  addServeCommand(program, run);
  addTaskCommands(program, run);
  addTokenCommand(program, run);
  addKillCommand(program, run);
  addDoorCommands(program, run);
  addProviderCommands(program, run);
  addTargetCommands(program, run);
  addStuckCommands(program, run);
  addClockCommands(program, run);
  addAuditCommands(program, run);
  addPolicyCommands(program, run);
  addBackupCommand(program, run);
  addRestoreCommand(program, run);
  addKeysCommands(program, run);
  addDoctorCommand(program, run);
  return program;
}

/** Long words are left out: someone may have put a token where it does not belong. */
const plainError = (text: string): string =>
  text.replace(/^error: /, "mayfly: ").replaceAll(/[^\s'"]{60,}/g, "<long text>");

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version: found } = JSON.parse(text) as { version: string };
  return found;
}
