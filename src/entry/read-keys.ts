/** Both key rings on Node. Development makes them in the data folder, readable by the owner only; production refuses to. */
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { generateSealingKeys, generateSigningKeys } from "../keys/generate.ts";
import { Redacted } from "../kernel/redacted.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Entropy } from "../kernel/entropy.ts";
import type { ConfigFault, Environment, KeyText, ServeOptions } from "./config.ts";
import { nodeSigning } from "./node-signing.ts";
import { parseRings, sealingSetting, signingSetting, type Keys } from "./parse-rings.ts";

type KeyOptions = Pick<ServeOptions, "sealingKeys" | "signingKeys" | "dataDir">;

export async function readKeys(
  options: KeyOptions,
  { env, clock, entropy }: { env: Environment; clock: Clock; entropy: Entropy },
): Promise<Result<Keys, ConfigFault>> {
  const sealingText = await ringText(options, env, {
    setting: sealingSetting,
    from: options.sealingKeys,
    file: "sealing-keys.json",
    generate: async () => generateSealingKeys(entropy),
  });
  if (!sealingText.ok) return sealingText;
  const signingText = await ringText(options, env, {
    setting: signingSetting,
    from: options.signingKeys,
    file: "signing-keys.json",
    generate: generateSigningKeys,
  });
  if (!signingText.ok) return signingText;

  const texts = { sealing: sealingText.value, signing: signingText.value };
  return parseRings(texts, { clock, entropy, primitive: nodeSigning });
}

interface Ring {
  readonly setting: string;
  readonly from: KeyText;
  readonly file: string;
  readonly generate: () => Promise<Redacted>;
}

async function ringText(options: KeyOptions, env: Environment, ring: Ring): Promise<Result<Redacted, ConfigFault>> {
  if (ring.from.kind === "env") return ok(new Redacted(env[ring.from.name] ?? "", ring.setting));
  if (ring.from.kind === "file") return readRing(ring.setting, ring.from.path);
  const path = join(options.dataDir, ring.file);
  const existing = await readRing(ring.setting, path);
  return existing.ok ? existing : makeRing(options, ring, path);
}

async function readRing(setting: string, path: string): Promise<Result<Redacted, ConfigFault>> {
  try {
    return ok(new Redacted(await readFile(path, "utf8"), setting));
  } catch {
    return err({ setting, message: `${path} cannot be read`, fix: "check the path and that this user may read it" });
  }
}

/** `wx`: a ring that another process made in the meantime is never overwritten. */
async function makeRing(options: KeyOptions, ring: Ring, path: string): Promise<Result<Redacted, ConfigFault>> {
  const text = await ring.generate();
  try {
    await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(text.reveal());
      await file.sync();
    } finally {
      await file.close();
    }
    return ok(text);
  } catch {
    return err({
      setting: ring.setting,
      message: `${path} cannot be written`,
      fix: "make --data a folder that this user may write",
    });
  }
}
