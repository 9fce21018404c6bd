/**
 * The attestation that a command presents, from a file, stdin or the environment. Never from an argument: those are
 * readable by every process of the machine.
 */
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { maxAttestationBytes } from "../kernel/limits.ts";
import { Redacted } from "../kernel/redacted.ts";
import { ok, type Result } from "../kernel/result.ts";
import { misused, type Problem } from "./problem.ts";
import type { Shell } from "./shell.ts";

const howTo = "give --attestation-file FILE (- for stdin), or set MAYFLY_ATTESTATION_FILE or MAYFLY_ATTESTATION";

export async function readAttestation(shell: Shell, file: string | undefined): Promise<Result<Redacted, Problem>> {
  const { env } = shell;
  const path = file ?? notEmpty(env["MAYFLY_ATTESTATION_FILE"]);
  if (path === "-") return accept(await readBounded(shell.stdin), "stdin");
  if (path !== undefined) {
    const text = await readFileBounded(path);
    return text === undefined ? misused(`the attestation file ${path} cannot be read`, howTo) : accept(text, path);
  }
  const inline = notEmpty(env["MAYFLY_ATTESTATION"]);
  return inline === undefined
    ? misused("there is no attestation to present", howTo)
    : accept(inline, "MAYFLY_ATTESTATION");
}

const notEmpty = (text: string | undefined): string | undefined => (text === "" ? undefined : text);

/** Only what may stand in a header and in a form: what it is worth is the broker's to judge. */
function accept(text: string, source: string): Result<Redacted, Problem> {
  const token = text.trim();
  if (token === "") return misused(`${source} holds no attestation`, "check what writes it; it was empty");
  if (token.length > maxAttestationBytes)
    return misused(
      `${source} holds more than ${maxAttestationBytes} characters`,
      "an attestation is one token of a few thousand characters",
    );
  if (!/^[\w.~+/=-]+$/.test(token))
    return misused(
      `${source} holds something other than one token`,
      "write the bare token, without quotes, JSON or the word Bearer",
    );
  return ok(new Redacted(token, "attestation"));
}

async function readFileBounded(path: string): Promise<string | undefined> {
  try {
    const file = await open(path);
    try {
      return await readBounded(file.createReadStream({ autoClose: false, end: maxAttestationBytes + 1024 }));
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** Reads a little more than is allowed, so that too long is told apart from cut off. */
async function readBounded(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.length > maxAttestationBytes + 1024) break;
  }
  return text;
}
