/**
 * `mayfly keys generate`: a first pair of key rings, in new files that only their owner may read. Never overwrites: an
 * old ring may be all that can still open a seal.
 */
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { generateSealingKeys, generateSigningKeys } from "../keys/generate.ts";
import type { Redacted } from "../kernel/redacted.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { ConfigFault } from "./config.ts";
import { createSystemEntropy } from "./system-clock.ts";

export interface KeyFiles {
  readonly sealing: string;
  readonly signing: string;
}

/** The names that development uses in its data folder. */
export const keyFilesIn = (dir: string): KeyFiles => ({
  sealing: join(dir, "sealing-keys.json"),
  signing: join(dir, "signing-keys.json"),
});

export async function generateKeyFiles(dir: string): Promise<Result<KeyFiles, ConfigFault>> {
  const files = keyFilesIn(dir);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  } catch {
    return err({ setting: "--out", message: `${dir} cannot be made`, fix: "name a folder that you may write" });
  }
  const sealing = await writeNew(files.sealing, generateSealingKeys(createSystemEntropy()));
  if (!sealing.ok) return sealing;
  const signing = await writeNew(files.signing, await generateSigningKeys());
  if (signing.ok) return ok(files);
  // Both or none: half a pair would be taken for a whole one.
  await rm(files.sealing, { force: true });
  return signing;
}

async function writeNew(path: string, text: Redacted): Promise<Result<void, ConfigFault>> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(`${text.reveal()}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return ok();
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    const message = exists ? `${path} exists already` : `${path} cannot be written`;
    const fix = exists
      ? "name another folder; to rotate, add a key to the ring instead"
      : "name a folder that you may write";
    return err({ setting: "--out", message, fix });
  }
}
