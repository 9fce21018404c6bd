/** What the security team pinned about one issuer: whose tokens are believed, and which. */
import type { IssuerName } from "./names.ts";
import type { Seconds } from "../kernel/time.ts";

export interface TrustedIssuer {
  readonly name: IssuerName;
  /** Compared exactly with `iss`. */
  readonly issuer: string;
  readonly audience: string;
  /** Compared exactly with `alg`: `EdDSA` does not stand for `Ed25519` here (RFC 9864), list both for both. */
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly keys: IssuerKeys;
  /** The longest accepted `exp` - `iat`. */
  readonly maxLifetimeSeconds: Seconds;
  readonly replay: "reusable" | "once";
  /** Accepted `typ` headers besides a missing one and `JWT`. */
  readonly types: readonly string[];
}

export type SignatureAlgorithm = "RS256" | "PS256" | "ES256" | "ES384" | "EdDSA" | "Ed25519";

export type IssuerKeys =
  | { readonly kind: "discovery" }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "file"; readonly path: string };
