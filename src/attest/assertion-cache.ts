/**
 * Remembers which attestations verified, so that an agent that uses its token again costs a hash instead of a
 * signature. Holds the outcome only, bounded in number, what was not used lately going first. An entry is good while
 * the issuer's pinned facts and its key set are the very same objects; time, replay and policy are judged anew at
 * each use by whoever asks.
 */
import type { Identity } from "../domain/identity.ts";
import type { BoundedMap } from "../kernel/bounded-map.ts";
import type { Fingerprint } from "../kernel/digest.ts";
import type { TrustedIssuer } from "../domain/trusted-issuer.ts";
import type { KeySet } from "./key-set.ts";
import type { TokenTimes } from "./token-times.ts";

export interface Verification {
  readonly identity: Identity;
  readonly times: TokenTimes;
  readonly facts: TrustedIssuer;
  readonly keySet: KeySet;
}

export type AssertionCache = BoundedMap<Fingerprint, Verification>;
