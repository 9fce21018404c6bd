/** What the security team pinned about one issuer, as far as verifying its tokens goes. */
import type { IssuerName } from "../domain/names.ts";
import type { Seconds } from "../kernel/time.ts";

export interface IssuerFacts {
  readonly name: IssuerName;
  /** Compared exactly with `iss`. */
  readonly issuer: string;
  readonly audience: string;
  /** Compared exactly with `alg`: `EdDSA` does not stand for `Ed25519` here (RFC 9864), list both for both. */
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly keys: KeyLocation;
  /** The longest accepted `exp` - `iat`. */
  readonly maxLifetimeSeconds: Seconds;
  readonly replay: "reusable" | "once";
  /** Accepted `typ` headers besides a missing one and `JWT`. */
  readonly types: readonly string[];
}

export type SignatureAlgorithm = "RS256" | "PS256" | "ES256" | "ES384" | "EdDSA" | "Ed25519";

export type KeyLocation =
  | { readonly kind: "discovery" }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "file"; readonly path: string };
