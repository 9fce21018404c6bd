#!/usr/bin/env node
/** The `mayfly` command. A fault that nobody expected says where it happened, never with a message that others wrote. */
import { exitCodes } from "./exit-code.ts";
import { createProcessShell } from "./process-shell.ts";
import { runCommandLine } from "./program.ts";

const shell = createProcessShell();
try {
  process.exitCode = await runCommandLine(process.argv.slice(2), shell);
} catch (error) {
  const places = error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : [];
  const name = error instanceof Error ? error.name : "fault";
  shell.terminal.say(
    ["mayfly: a bug in the command line; please report this", `  ${name}`, ...places.slice(0, 8)].join("\n"),
  );
  process.exitCode = exitCodes.error;
}
