/** The key rings: present, readable by their owner only, and whole. Says nothing of what they hold. */
import { readFile, stat } from "node:fs/promises";
import { parseSealingKeys } from "../../keys/sealing-keys.ts";
import { parseSigningKeys } from "../../keys/signing-keys.ts";
import { Redacted } from "../../kernel/redacted.ts";
import type { Result } from "../../kernel/result.ts";
import type { KeyRingFault } from "../../keys/fault.ts";
import type { Environment, KeyText, ServeOptions } from "../config.ts";
import { keyFilesIn } from "../generate-keys.ts";
import { fail, fine, warn, type Finding } from "./finding.ts";

export async function checkKeys(
  options: Pick<ServeOptions, "sealingKeys" | "signingKeys" | "dataDir">,
  env: Environment,
): Promise<{ readonly findings: readonly Finding[]; readonly areUsable: boolean }> {
  const generated = keyFilesIn(options.dataDir);
  const sealing = { setting: "MAYFLY_SEALING_KEYS", from: options.sealingKeys, generated: generated.sealing };
  const signing = { setting: "MAYFLY_SIGNING_KEYS", from: options.signingKeys, generated: generated.signing };
  const rings = [
    await checkRing(sealing, env, async (text) => parseSealingKeys(text)),
    await checkRing(signing, env, parseSigningKeys),
  ];
  return { findings: rings.map(({ finding }) => finding), areUsable: rings.every(({ isUsable }) => isUsable) };
}

interface Judged {
  readonly finding: Finding;
  readonly isUsable: boolean;
}

interface Ring {
  readonly setting: string;
  readonly from: KeyText;
  readonly generated: string;
}
type Parse = (text: Redacted) => Promise<Result<unknown, KeyRingFault>>;

async function checkRing(ring: Ring, env: Environment, parse: Parse): Promise<Judged> {
  const { setting, from, generated } = ring;
  if (from.kind === "env")
    return judge(ring, await parse(new Redacted(env[from.name] ?? "", setting)), "the environment");
  const path = from.kind === "file" ? from.path : generated;
  const text = await readText(path);
  if (text === undefined) return { finding: missing(ring, path), isUsable: false };
  const judged = judge(ring, await parse(new Redacted(text, setting)), path);
  if (!judged.isUsable || !(await isOpenToOthers(path))) return judged;
  const fix = `chmod 600 ${path}, and consider the ring known to them`;
  return { finding: warn(setting, `others may read ${path}`, fix), isUsable: true };
}

function missing({ setting, from }: Ring, path: string): Finding {
  if (from.kind === "file")
    return fail(setting, `${path} cannot be read`, "check the path and that this user may read it");
  return warn(setting, "there is none yet", "development makes one at the start; `mayfly keys generate` makes one now");
}

function judge({ setting }: Ring, parsed: Result<unknown, KeyRingFault>, source: string): Judged {
  if (parsed.ok) return { finding: fine(setting, `whole, from ${source}`), isUsable: true };
  const { path, message } = parsed.fault;
  const detail = `${source}: ${path === "" ? "the ring" : path} ${message}`;
  return { finding: fail(setting, detail, "repair the ring; serve would not start"), isUsable: false };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Windows keeps no such bits; there the mode says nothing and is not judged. */
async function isOpenToOthers(path: string): Promise<boolean> {
  const { mode } = await stat(path);
  return process.platform !== "win32" && (mode & 0o077) !== 0;
}
