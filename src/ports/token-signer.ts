/** Signs the broker's own tokens and client assertions with the ring's active key, and publishes the public keys. */
import type { JsonObject } from "../kernel/canonical-json.ts";

export interface TokenSigner {
  /** A compact JWS (RFC 7515) with `kid` and `alg` of the active key. */
  sign(input: { readonly type: string; readonly claims: JsonObject }): Promise<string> | string;
  /** Public keys as a JWK Set (RFC 7517): the active one, the next, and those not yet retired. */
  publicKeys(): readonly JsonObject[];
  /** The claims of a token that this broker signed, of the given `typ`; undefined for anything else. */
  verify(token: string, type: string): Promise<JsonObject | undefined>;
}
