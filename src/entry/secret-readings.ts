/**
 * What the secrets of one provider read as when it was made. A rotated secret leaves the policy's text and the
 * provider's digest as they are, so that leases stay its own; readings are compared instead, in memory only.
 */
import { canonicalJson } from "../kernel/canonical-json.ts";
import type { Redacted } from "../kernel/redacted.ts";
import { ok } from "../kernel/result.ts";
import type { ProviderTools } from "../ports/provider.ts";

type ResolveSecret = ProviderTools["resolveSecret"];

/** By reference, as the configuration writes it. */
export type SecretReadings = ReadonlyMap<string, Redacted>;

/** Reads each reference once: both instances of a provider get the same, also while its file is being replaced. */
export function createSecretReader(read: ResolveSecret): { resolveSecret: ResolveSecret; readings: SecretReadings } {
  const readings = new Map<string, Redacted>();
  return {
    readings,
    async resolveSecret(reference) {
      const key = canonicalJson(reference);
      const known = readings.get(key);
      if (known !== undefined) return ok(known);
      const secret = await read(reference);
      if (secret.ok) readings.set(key, secret.value);
      return secret;
    },
  };
}

export const areSameReadings = (left: SecretReadings, right: SecretReadings): boolean =>
  left.size === right.size && [...left].every(([key, secret]) => right.get(key)?.reveal() === secret.reveal());
