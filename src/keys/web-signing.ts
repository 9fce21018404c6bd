/** The portable signing primitive: WebCrypto, on every platform. Private keys are imported as not extractable. */
import type { CryptoKey } from "jose";
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { SigningAlgorithm, SigningPrimitive } from "./signing-primitive.ts";

const algorithms = {
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
} as const;

export const webSigning: SigningPrimitive = {
  async signer({ algorithm, privateJwk }) {
    const key = await importKey(privateJwk.reveal(), algorithm, "sign");
    return async (data) => new Uint8Array(await crypto.subtle.sign(algorithms[algorithm], key, data));
  },

  async verifier({ algorithm, publicJwk }) {
    const key = await importKey(publicJwk, algorithm, "verify");
    return (data, signature) => crypto.subtle.verify(algorithms[algorithm], key, signature, data);
  },
};

const importKey = (jwk: JsonObject, algorithm: SigningAlgorithm, use: "sign" | "verify"): Promise<CryptoKey> =>
  crypto.subtle.importKey("jwk", { ...jwk }, algorithms[algorithm], false, [use]);
