/** Both key rings from their texts. A ring that cannot be read stops the start: its seals could not be opened to kill. */
import { createSealingRing } from "../keys/sealing-ring.ts";
import { parseSealingKeys } from "../keys/sealing-keys.ts";
import { createSigningRing } from "../keys/signing-ring.ts";
import { parseSigningKeys } from "../keys/signing-keys.ts";
import type { SigningPrimitive } from "../keys/signing-primitive.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Entropy } from "../kernel/entropy.ts";
import type { Redacted } from "../kernel/redacted.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { Sealer } from "../ports/sealer.ts";
import type { TokenSigner } from "../ports/token-signer.ts";
import type { ConfigFault } from "./parse-setting.ts";

export interface Keys {
  readonly sealer: Sealer;
  readonly signer: TokenSigner;
}

export const sealingSetting = "MAYFLY_SEALING_KEYS";
export const signingSetting = "MAYFLY_SIGNING_KEYS";

export async function parseRings(
  texts: { readonly sealing: Redacted; readonly signing: Redacted },
  { clock, entropy, primitive }: { clock: Clock; entropy: Entropy; primitive: SigningPrimitive },
): Promise<Result<Keys, ConfigFault>> {
  const sealing = parseSealingKeys(texts.sealing);
  if (!sealing.ok) return refuse(sealingSetting, sealing.fault);
  const signing = await parseSigningKeys(texts.signing);
  if (!signing.ok) return refuse(signingSetting, signing.fault);
  const signer = await createSigningRing({ keys: signing.value, primitive, now: () => clock.now() });
  if (!signer.ok) return refuse(signingSetting, signer.fault);
  return ok({ sealer: await createSealingRing(sealing.value, entropy), signer: signer.value });
}

const refuse = (setting: string, fault: { path: string; message: string }) =>
  err<ConfigFault>({
    setting,
    message: `${fault.path === "" ? "the ring" : fault.path} ${fault.message}`,
    fix: "repair the ring; src/keys/README.md shows how one is written",
  });
