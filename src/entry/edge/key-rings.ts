/**
 * The key rings of the broker on Workers: two secrets of the Worker. There is no file to make a first one in, so a
 * missing ring stops development too; `generateRings` makes both texts for whoever has a file.
 */
import { generateSealingKeys, generateSigningKeys } from "../../keys/generate.ts";
import { webSigning } from "../../keys/web-signing.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Entropy } from "../../kernel/entropy.ts";
import { Redacted } from "../../kernel/redacted.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { parseRings, sealingSetting, signingSetting, type Keys } from "../parse-rings.ts";
import type { ConfigFault, Environment } from "../parse-setting.ts";

export async function readEdgeKeys(
  env: Environment,
  tools: { readonly clock: Clock; readonly entropy: Entropy },
): Promise<Result<Keys, ConfigFault>> {
  const sealing = ringOf(env, sealingSetting);
  if (!sealing.ok) return sealing;
  const signing = ringOf(env, signingSetting);
  if (!signing.ok) return signing;
  return parseRings({ sealing: sealing.value, signing: signing.value }, { ...tools, primitive: webSigning });
}

/** By the names of the secrets that hold them. Each text is the secret itself. */
export const generateRings = async (entropy: Entropy): Promise<Readonly<Record<string, Redacted>>> => ({
  [sealingSetting]: generateSealingKeys(entropy),
  [signingSetting]: await generateSigningKeys(),
});

function ringOf(env: Environment, setting: string): Result<Redacted, ConfigFault> {
  const text = env[setting];
  if (text !== undefined && text !== "") return ok(new Redacted(text, setting));
  const fix = `\`mayfly keys generate\` makes a first one; put it in with \`wrangler secret put ${setting}\``;
  return err({ setting, message: "is missing", fix });
}
