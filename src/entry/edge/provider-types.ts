/**
 * The provider types that work over HTTP alone: an explicit list, so that a bundle for Workers holds no driver that needs
 * a TCP connection. Naming one of the others is refused when a policy is loaded, and says where it works.
 */
import { err, ok, type Result } from "../../kernel/result.ts";
import type { ProviderType } from "../../ports/provider.ts";

const types: Readonly<Record<string, () => Promise<ProviderType>>> = {
  "aws-sts": async () => (await import("../../../providers/aws-sts/index.ts")).awsStsProviderType,
  jwt: async () => (await import("../../../providers/jwt/index.ts")).jwtProviderType,
  oauth: async () => (await import("../../../providers/oauth/index.ts")).oauthProviderType,
  vault: async () => (await import("../../../providers/vault/index.ts")).vaultProviderType,
};

export const edgeProviderTypes: readonly string[] = Object.keys(types);

/** Elsewhere in this release. */
const needTcp: readonly string[] = ["postgres"];

/** The fault is what is wrong with naming it. */
export async function loadEdgeProviderType(type: string): Promise<Result<ProviderType, string>> {
  const load = Object.hasOwn(types, type) ? types[type] : undefined;
  if (load !== undefined) return ok(await load());
  if (needTcp.includes(type)) {
    return err(
      "needs a TCP connection, which a Worker has not; serve it from a broker on Node (`mayfly serve`, alone or on Redis)",
    );
  }
  return err(`is not a provider type of this release; on Workers there are ${edgeProviderTypes.join(", ")}`);
}
