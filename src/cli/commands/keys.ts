/** `mayfly keys generate`: a first pair of key rings. Prints where they are, never what they hold. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { withExamples, withJson, type OutputFlags } from "../flags.ts";
import { failed, type Outcome } from "../problem.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";

export function addKeysCommands(program: Command, run: Run): void {
  const keys = program.command("keys").description("the broker's own keys");
  const generate = keys
    .command("generate")
    .description("write fresh sealing and signing key rings to new files with mode 0600");
  generate.option("--out <dir>", "the folder, made if missing", ".");
  withExamples(withJson(generate), "mayfly keys generate --out /etc/mayfly/keys");
  generate.action(run(generateKeys));
}

async function generateKeys(shell: Shell, flags: OutputFlags & { out: string }): Promise<Outcome> {
  const { terminal } = shell;
  const { generateKeyFiles } = await import("../../entry/generate-keys.ts");
  const files = await generateKeyFiles(resolve(flags.out));
  if (!files.ok) {
    const { message, fix } = files.fault;
    return failed({ what: message, unchanged: "no key file was changed", next: fix });
  }
  const { sealing, signing } = files.value;
  if (flags.json === true) terminal.json({ sealing_keys_file: sealing, signing_keys_file: signing });
  else {
    terminal.data(`MAYFLY_SEALING_KEYS_FILE=${sealing}`);
    terminal.data(`MAYFLY_SIGNING_KEYS_FILE=${signing}`);
    terminal.say(
      "keep a copy of the sealing ring: without it, credentials whose revocation needs the secret can only expire",
    );
  }
  return ok(exitCodes.ok);
}
