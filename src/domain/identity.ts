/** Who presented a verified attestation. Made only by an attestor, after every check passed. */
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { Fingerprint } from "../kernel/digest.ts";
import type { EpochMillis } from "../kernel/time.ts";
import type { IssuerName } from "./names.ts";

export interface Identity {
  /** The TrustedIssuer resource that vouched. */
  readonly issuer: IssuerName;
  readonly issuerUrl: string;
  readonly subject: string;
  readonly claims: JsonObject;
  readonly kind: "jwt";
  /** SHA-256 of the attestation as presented: names it in audit without holding it. */
  readonly digest: Fingerprint;
  readonly expiresAt: EpochMillis;
  readonly replay: Replay;
}

/** The record of who proved what, without the proof. */
export const attestationEvidence = ({ digest, issuer, issuerUrl, kind, subject }: Identity): JsonObject => ({
  digest,
  issuer,
  issuer_url: issuerUrl,
  kind,
  subject,
});

/** `once` tokens are accepted a single time, at `/token` only; their marker is keyed by issuer URL and `jti`. */
export type Replay = { readonly mode: "reusable" } | { readonly mode: "once"; readonly tokenId: string };

/** The stable part of an identity, as recorded on tasks and compared for callers. */
export interface Principal {
  readonly issuer: IssuerName;
  readonly subject: string;
}
