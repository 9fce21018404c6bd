/**
 * Every provider type that this broker knows: an explicit list, each loaded when a policy first names it. Nothing
 * registers itself on import.
 */
import type { ProviderType } from "../src/ports/provider.ts";

const types: Readonly<Record<string, () => Promise<ProviderType>>> = {
  "aws-sts": async () => (await import("./aws-sts/index.ts")).awsStsProviderType,
  jwt: async () => (await import("./jwt/index.ts")).jwtProviderType,
  oauth: async () => (await import("./oauth/index.ts")).oauthProviderType,
  postgres: async () => (await import("./postgres/index.ts")).postgresProviderType,
  vault: async () => (await import("./vault/index.ts")).vaultProviderType,
};

export const providerTypes: readonly string[] = Object.keys(types);

export async function loadProviderType(type: string): Promise<ProviderType | undefined> {
  return Object.hasOwn(types, type) ? types[type]?.() : undefined;
}
