/**
 * What makes and checks signature bytes. The ring builds the tokens; this is the only part worth replacing by a
 * platform's own, faster code. Signatures are in the form of JWS (RFC 7518 §3.4: r and s side by side for ECDSA).
 */
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { Redacted } from "../kernel/redacted.ts";

export type SigningAlgorithm = "ES256" | "EdDSA" | "RS256";

/** May be synchronous: where a signature takes 25 us, a trip to a thread costs more than it saves. */
export type SignBytes = (data: Uint8Array<ArrayBuffer>) => Promise<Uint8Array> | Uint8Array;
export type VerifyBytes = (
  data: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
) => Promise<boolean> | boolean;

export interface SigningPrimitive {
  signer(key: { algorithm: SigningAlgorithm; privateJwk: Redacted<JsonObject> }): Promise<SignBytes>;
  verifier(key: { algorithm: SigningAlgorithm; publicJwk: JsonObject }): Promise<VerifyBytes>;
}
