/**
 * The signing primitive of Node: synchronous, with a bare KeyObject, and ECDSA signatures in DER converted here.
 * Node's own `ieee-p1363` encoding costs more than the signature itself, WebCrypto a trip to a thread.
 */
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import type { SigningPrimitive } from "../keys/signing-primitive.ts";
import { derFromRaw, rawFromDer } from "./ecdsa-signature.ts";

export const nodeSigning: SigningPrimitive = {
  async signer({ algorithm, privateJwk }) {
    const key = createPrivateKey({ key: { ...privateJwk.reveal() }, format: "jwk" });
    if (algorithm === "ES256") return (data) => rawFromDer(sign("sha256", data, key));
    return (data) => sign(algorithm === "RS256" ? "sha256" : null, data, key);
  },

  async verifier({ algorithm, publicJwk }) {
    const key = createPublicKey({ key: { ...publicJwk }, format: "jwk" });
    if (algorithm === "ES256")
      return (data, signature) => {
        const der = derFromRaw(signature);
        return der !== undefined && verify("sha256", data, key, der);
      };
    return (data, signature) => verify(algorithm === "RS256" ? "sha256" : null, data, key, signature);
  },
};
