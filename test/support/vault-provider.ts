/** The vault provider in front of a real server, behind a path that can break, and the core's part played on it. */
import { vaultProviderType } from "../../providers/vault/index.ts";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import type { Credential, Provider } from "../../src/ports/provider.ts";
import { createActor, type Actor } from "../kit/provider/actor.ts";
import { startFaultProxy, type FaultProxy } from "./fault-proxy.ts";
import type { PreparedBao } from "./openbao.ts";
import { createProvider, createTestTools, type TestTools } from "./provider-tools.ts";

export interface VaultUnderTest {
  readonly provider: Provider;
  readonly proxy: FaultProxy;
  /** Plays the core for one scope. */
  actor(scope: JsonObject, parameters?: Readonly<Record<string, Json>>): Actor;
  close(): Promise<void>;
}

export async function startVault(
  bao: PreparedBao,
  options: JsonObject = {},
  wish: { secrets?: Record<string, string> } & Partial<TestTools> = {},
): Promise<VaultUnderTest> {
  const proxy = await startFaultProxy();
  proxy.forwardTo(bao.url);
  const secrets = { VAULT_BROKER: await bao.brokerToken(), ...wish.secrets };
  const tools = await createTestTools({ ...wish, secrets });
  const login = "auth" in options ? {} : { auth: "token", token: { env: "VAULT_BROKER" } };
  const provider = await createProvider(vaultProviderType, { address: proxy.url, ...login, ...options }, tools);
  return {
    provider,
    proxy,
    actor: (scope, parameters = {}) => createActor({ provider, scope, parameters }),
    async close() {
      await provider.close();
      await Promise.all([tools.close(), proxy.close()]);
    },
  };
}

export function textIn(credential: Credential, name: string): string {
  const value = credential.kind === "structured" ? credential.value.reveal()[name] : undefined;
  if (typeof value !== "string") throw new Error(`the credential has no ${name}`);
  return value;
}

export const tokenIn = (credential: Credential): string =>
  credential.kind === "bearer" ? credential.value.reveal() : textIn(credential, "wrapping_token");
