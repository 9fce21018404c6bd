#!/usr/bin/env node
/** The `mayfly` command. A fault that nobody expected says where it happened, never with a message that others wrote. */
import { writeSync } from "node:fs";
import { faultPlace } from "../kernel/fault-place.ts";
import { exitCodes } from "./exit-code.ts";
import { createProcessShell } from "./process-shell.ts";
import { runCommandLine } from "./program.ts";

function endOnBug(error: unknown): never {
  const { name, places } = faultPlace(error);
  const lines = [
    "mayfly: a bug in the command line; please report this",
    `  ${name}`,
    ...places.map((at) => `    ${at}`),
  ];
  writeSync(process.stderr.fd, `${lines.join("\n")}\n`);
  process.exit(exitCodes.error);
}
process.on("uncaughtException", endOnBug).on("unhandledRejection", endOnBug);

process.exitCode = await runCommandLine(process.argv.slice(2), createProcessShell());
