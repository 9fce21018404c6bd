/**
 * `mayfly token`: exchanges the attestation for a credential (RFC 8693). The credential is written once, to where the
 * caller sent it: stdout that is not a terminal, or a new file that only its owner may read.
 */
import { open, rm, type FileHandle } from "node:fs/promises";
import type { Command } from "commander";
import { ok, type Result } from "../../kernel/result.ts";
import type { Api, ApiRequest } from "../api.ts";
import { exitCodes } from "../exit-code.ts";
import { numberOf, optionalText, textOf, type Fields } from "../fields.ts";
import { withClient, withExamples, type ClientFlags } from "../flags.ts";
import { failed, misused, type Outcome, type Problem } from "../problem.ts";
import type { Run } from "../run.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { printable } from "../terminal.ts";
import { collectNamed, leaseId, positiveSeconds, resourceName, taskId, type NamedValue } from "../values.ts";

interface TokenFlags extends ClientFlags {
  readonly task?: string;
  readonly param?: readonly NamedValue[];
  readonly ttl?: number;
  readonly replaces?: string;
  readonly idempotencyKey?: string;
  readonly output?: string;
  readonly show?: boolean;
}

export function addTokenCommand(program: Command, run: Run): void {
  const token = program.command("token").description("get a credential for a task; it goes to stdout, words to stderr");
  token.argument("<template>", "the CredentialTemplate", resourceName);
  token.option(
    "--task <task-id>",
    "the task that it lives and dies with (some templates open one of their own)",
    taskId,
  );
  token.option("--param <name=value>", "a parameter of the template; name:=JSON for other than text", collectNamed);
  token.option("--ttl <span>", "how long it is needed; the policy may give less", positiveSeconds);
  token.option("--replaces <lease-id>", "an earlier credential that is revoked after a moment", leaseId);
  token.option("--idempotency-key <text>", "makes a repeated command answer as one");
  token.option("--output <file>", "write it to a new file with mode 0600 instead of stdout");
  token.option("--show", "allow it on a terminal");
  withExamples(
    withClient(token),
    "TOKEN=$(mayfly token ledger-read --task $TASK --param region=emea)",
    "mayfly token ledger-read --task $TASK --ttl 5m --output ./token",
    "mayfly token ledger-read --json | jq -r .lease_id",
  );
  token.action(run(getToken));
}

export async function getToken(shell: Shell, flags: TokenFlags, template: string): Promise<Outcome> {
  const { terminal } = shell;
  if (flags.output === undefined && terminal.isStdoutTty && flags.show !== true) {
    return misused(
      "the credential would be shown on the terminal",
      "send stdout to a program, write it with --output FILE, or say --show",
    );
  }
  const api = await openSession(shell, flags, "public");
  if (!api.ok) return api;
  // Opened before the exchange: what cannot be written must not be minted.
  const file = flags.output === undefined ? ok(null) : await createFile(flags.output);
  if (!file.ok) return file;
  const answer = await api.value(exchangeOf(flags, template));
  if (!answer.ok) {
    await discard(file.value);
    return answer;
  }
  return deliver(shell, api.value, flags, { answer: answer.value, file: file.value });
}

function exchangeOf(flags: TokenFlags, template: string): ApiRequest {
  const parameters = Object.fromEntries((flags.param ?? []).map(({ name, value }) => [name, value]));
  const details = [{ type: "mayfly_template", template, parameters }];
  return {
    method: "POST",
    path: "/token",
    exchange: {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      scope: template,
      ...(flags.task === undefined ? {} : { task_id: flags.task }),
      ...(flags.param === undefined ? {} : { authorization_details: JSON.stringify(details) }),
      ...(flags.ttl === undefined ? {} : { requested_ttl: String(flags.ttl) }),
      ...(flags.replaces === undefined ? {} : { replaces: flags.replaces }),
    },
    ...(flags.idempotencyKey === undefined ? {} : { headers: { "idempotency-key": flags.idempotencyKey } }),
    effect: {
      unchanged: "no credential was delivered",
      maybe:
        "a credential may have been minted; the broker revokes what it could not deliver, at the latest when the task ends",
    },
  };
}

interface NewFile {
  readonly path: string;
  readonly handle: FileHandle;
}

async function createFile(path: string): Promise<Result<NewFile, Problem>> {
  try {
    return ok({ path, handle: await open(path, "wx", 0o600) });
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    return failed({
      what: exists ? `${path} exists already` : `${path} cannot be created`,
      unchanged: "no credential was asked for",
      next: "name a new file in a folder that you may write, or remove the old one",
    });
  }
}

async function discard(file: NewFile | null): Promise<void> {
  if (file === null) return;
  await file.handle.close();
  await rm(file.path, { force: true });
}

async function deliver(
  shell: Shell,
  api: Api,
  flags: TokenFlags,
  granted: { answer: Fields; file: NewFile | null },
): Promise<Outcome> {
  const { answer, file } = granted;
  const text = `${flags.json === true ? JSON.stringify(answer, null, 2) : textOf(answer, "access_token")}\n`;
  const written = file === null ? await shell.terminal.exact(text) : await writeAll(file, text);
  if (written) {
    sayGrant(shell, answer);
    return ok(exitCodes.ok);
  }
  await discard(file);
  return surrender(api, textOf(answer, "lease_id"));
}

async function writeAll(file: NewFile, text: string): Promise<boolean> {
  try {
    await file.handle.writeFile(text);
    await file.handle.sync();
    await file.handle.close();
    return true;
  } catch {
    return false;
  }
}

/** Nobody took the credential, so nobody shall have it. */
async function surrender(api: Api, lease: string): Promise<Outcome> {
  const path = `/leases/${lease}`;
  const revoked = await api({
    method: "DELETE",
    path,
    effect: { unchanged: null, maybe: "it may be revoked already" },
  });
  return failed({
    what: "the credential could not be written where it was to go",
    unchanged: revoked.ok
      ? `nothing is left behind: ${lease} is being revoked`
      : `${lease} may live until its task ends`,
    next: revoked.ok
      ? "make room, or keep the reader open, and run the command again"
      : `end its task, or try DELETE ${path}`,
  });
}

function sayGrant(shell: Shell, answer: Fields): void {
  const { terminal } = shell;
  const bound = optionalText(answer, "ttl_bound");
  const words = [
    `${textOf(answer, "lease_id")} of ${textOf(answer, "task_id")}`,
    `good for ${numberOf(answer, "expires_in")} s${bound === null ? "" : ` (bound: ${bound})`}`,
    ...(textOf(answer, "revocation") === "expiry-only"
      ? [`cannot be revoked: usable until ${textOf(answer, "provider_expires_at")}`]
      : []),
  ];
  terminal.say(printable(words.join(", ")));
}
