/**
 * Sealing and signing without threads, so that a run repeats itself: WebCrypto answers in an order of its own. Sealing
 * is real AES-256-GCM bound to the lease, because the canary must be looked for in real ciphertext.
 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { brand } from "../../../src/kernel/brand.ts";
import type { Fingerprint } from "../../../src/kernel/digest.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { Entropy } from "../../../src/kernel/entropy.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";
import { err, ok } from "../../../src/kernel/result.ts";
import type { Sealer } from "../../../src/ports/sealer.ts";
import type { TokenSigner } from "../../../src/ports/token-signer.ts";

export function createSimSealer(entropy: Entropy): Sealer {
  const key = Buffer.alloc(32, 7);
  const keyId = "k1";
  return {
    keyIds: () => [keyId],
    async seal(secret, leaseId) {
      const nonce = entropy.bytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(leaseId));
      const text = Buffer.concat([cipher.update(secret.reveal(), "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `${keyId}.${Buffer.from(nonce).toString("base64url")}.${text.toString("base64url")}`;
    },
    async open(sealed, leaseId) {
      const [, nonce = "", text = ""] = sealed.split(".");
      const bytes = Buffer.from(text, "base64url");
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64url"));
        decipher.setAAD(Buffer.from(leaseId)).setAuthTag(bytes.subarray(-16));
        const plain = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
        return ok(new Redacted(plain.toString("utf8"), "sealed secret"));
      } catch {
        return err({ reason: "corrupt" });
      }
    },
  };
}

export const sha256 = (text: string): Fingerprint =>
  brand<Fingerprint>(createHash("sha256").update(text).digest("base64url"));

/** No token of the simulation is a JWT: those that the broker computes are found by fingerprint like all others. */
export const unusedSigner: TokenSigner = {
  sign: () => "",
  publicKeys: (): readonly JsonObject[] => [],
  verify: async () => undefined,
};
