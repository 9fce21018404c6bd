/**
 * Verifies OIDC and other JWT attestations (RFC 7519, RFC 8725). This file orders the steps and contains no check of
 * its own: size, form, issuer, header, key, signature, claims, time. Nothing is asked of the network before the
 * issuer is known to be trusted, and then only what configuration names.
 */
import type { Identity } from "../domain/identity.ts";
import type { Fingerprint } from "../kernel/digest.ts";
import { maxAttestationBytes } from "../kernel/limits.ts";
import { ok, type Result } from "../kernel/result.ts";
import type { EpochMillis } from "../kernel/time.ts";
import type { AttestationFault, Attestor } from "../ports/attestor.ts";
import { boundedMap } from "../kernel/bounded-map.ts";
import type { AssertionCache, Verification } from "./assertion-cache.ts";
import { checkClaims } from "./check-claims.ts";
import { checkHeader, type CheckedHeader } from "./check-header.ts";
import { parseCompactToken } from "./compact-token.ts";
import type { TrustedIssuer } from "../domain/trusted-issuer.ts";
import { pickKey, type KeySet } from "./key-set.ts";
import type { KeySource } from "./key-source.ts";
import type { KeySources } from "./key-sources.ts";
import type { PublicKey } from "./public-key.ts";
import { refuse } from "./refuse.ts";
import { checkTimes } from "./token-times.ts";
import type { VerifySignature } from "./verify-signature.ts";

export interface AttestorOptions {
  /** The trusted issuer with exactly this `iss`. Asked each time, so that a policy reload takes effect at once. */
  readonly issuerOf: (issuerUrl: string) => TrustedIssuer | undefined;
  readonly keySources: KeySources;
  readonly verifySignature: VerifySignature;
  /** SHA-256 as base64url. */
  readonly digest: (text: string) => Fingerprint | Promise<Fingerprint>;
  /** How many verified attestations are remembered; 0 verifies each one anew. */
  readonly cacheSize: number;
}

export function createAttestor(options: AttestorOptions): Attestor {
  const cache: AssertionCache = boundedMap(options.cacheSize);

  const isCurrent = async ({ facts, keySet }: Verification): Promise<boolean> =>
    options.issuerOf(facts.issuer) === facts && (await options.keySources(facts).current()) === keySet;

  const recall = async (digest: Fingerprint): Promise<Verification | undefined> => {
    const known = cache.get(digest);
    if (known === undefined || (await isCurrent(known))) return known;
    cache.delete(digest);
    return undefined;
  };

  return {
    verify: async (attestation, now) => {
      const text = attestation.reveal();
      // Counted in UTF-16 units: a text with more bytes than that is not ASCII and refused by its form.
      if (text.length > maxAttestationBytes) return refuse("too_large");
      const digest = await options.digest(text);
      const known = await recall(digest);
      if (known !== undefined) return timely(known, now);
      const fresh = await verifyAnew(text, digest, options);
      if (!fresh.ok) return fresh;
      const answer = timely(fresh.value, now);
      // A token that is accepted once gains nothing from being remembered.
      if (answer.ok && answer.value.replay.mode === "reusable") cache.set(digest, fresh.value);
      return answer;
    },
  };
}

function timely({ identity, times }: Verification, now: EpochMillis): Result<Identity, AttestationFault> {
  const inTime = checkTimes(times, now);
  return inTime.ok ? ok(identity) : inTime;
}

/** Every check that does not depend on the time of use. */
async function verifyAnew(
  text: string,
  digest: Fingerprint,
  options: AttestorOptions,
): Promise<Result<Verification, AttestationFault>> {
  const token = parseCompactToken(text);
  if (!token.ok) return token;
  const { claims, signature, signedText } = token.value;
  const facts = typeof claims["iss"] === "string" ? options.issuerOf(claims["iss"]) : undefined;
  if (facts === undefined) return refuse("unknown_issuer");
  const header = checkHeader(token.value.header, facts);
  if (!header.ok) return header;
  const found = await findKey(options.keySources(facts), header.value);
  if (!found.ok) return found;
  const { key, keySet } = found.value;
  const { algorithm } = header.value;
  if (!(await options.verifySignature({ algorithm, key, text: signedText, signature }))) return refuse("signature");
  const checked = checkClaims(claims, header.value, facts);
  if (!checked.ok) return checked;
  const { subject, times, replay } = checked.value;
  const identity: Identity = {
    issuer: facts.name,
    issuerUrl: facts.issuer,
    subject,
    claims,
    kind: "jwt",
    digest,
    expiresAt: times.expiresAt,
    replay,
  };
  return ok({ identity, times, facts, keySet });
}

interface FoundKey {
  readonly key: PublicKey;
  readonly keySet: KeySet;
}

/** A key that is not there may be new: the source is asked once more, and decides itself whether to fetch. */
async function findKey(source: KeySource, header: CheckedHeader): Promise<Result<FoundKey, AttestationFault>> {
  const keySet = await source.current();
  if (keySet === undefined) return refuse("keys_unavailable");
  const key = pickKey(keySet, header);
  if (key.ok) return ok({ key: key.value, keySet });
  if (key.fault.reason !== "unknown_key") return key;
  const newer = await source.afterMiss();
  if (newer === undefined || newer === keySet) return key;
  const newKey = pickKey(newer, header);
  return newKey.ok ? ok({ key: newKey.value, keySet: newer }) : newKey;
}
