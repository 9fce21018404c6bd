/**
 * Every provider type that this broker knows: an explicit list, each loaded when a policy first names it. Nothing
 * registers itself on import.
 */
import { err, ok, type Result } from "../src/kernel/result.ts";
import type { ProviderType } from "../src/ports/provider.ts";

const types: Readonly<Record<string, () => Promise<ProviderType>>> = {
  "aws-sts": async () => (await import("./aws-sts/index.ts")).awsStsProviderType,
  jwt: async () => (await import("./jwt/index.ts")).jwtProviderType,
  oauth: async () => (await import("./oauth/index.ts")).oauthProviderType,
  postgres: async () => (await import("./postgres/index.ts")).postgresProviderType,
  vault: async () => (await import("./vault/index.ts")).vaultProviderType,
};

export const providerTypes: readonly string[] = Object.keys(types);

/** The fault is what is wrong with naming it. */
export async function loadProviderType(type: string): Promise<Result<ProviderType, string>> {
  const load = Object.hasOwn(types, type) ? types[type] : undefined;
  if (load !== undefined) return ok(await load());
  return err(`is not a provider type of this release; there are ${providerTypes.join(", ")}`);
}
