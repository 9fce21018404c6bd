/**
 * Remembers which attestations verified, so that an agent that uses its token again costs a hash instead of a
 * signature. Holds the outcome only, bounded in number, the least recently used going first. An entry is good while
 * the issuer's pinned facts and its key set are the very same objects; time, replay and policy are judged anew at
 * each use by whoever asks.
 */
import type { Identity } from "../domain/identity.ts";
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

export interface AssertionCache {
  recall(digest: Fingerprint): Verification | undefined;
  remember(digest: Fingerprint, verification: Verification): void;
  forget(digest: Fingerprint): void;
}

/** `size` 0 remembers nothing. */
export function createAssertionCache(size: number): AssertionCache {
  const entries = new Map<Fingerprint, Verification>();
  return {
    recall: (digest) => {
      const found = entries.get(digest);
      if (found === undefined) return undefined;
      entries.delete(digest);
      entries.set(digest, found);
      return found;
    },
    remember: (digest, verification) => {
      entries.delete(digest);
      entries.set(digest, verification);
      if (entries.size <= size) return;
      const oldest = entries.keys().next();
      if (!oldest.done) entries.delete(oldest.value);
    },
    forget: (digest) => void entries.delete(digest),
  };
}
