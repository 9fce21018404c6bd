/** Issuing, revoking and key fetching each have connections of their own: none can take another's. */
import type { Entropy } from "../kernel/entropy.ts";
import type { HttpClient } from "../ports/http-client.ts";
import type { TokenSigner } from "../ports/token-signer.ts";
import type { Environment, ServeOptions } from "./config.ts";
import { nodeClock } from "./node-clock.ts";
import { createNodeHttpClient } from "./node-http-client.ts";
import { createProviderRegistry, type ProviderRegistry } from "./provider-registry.ts";
import { secretResolver } from "./resolve-secret.ts";

export interface Connections {
  readonly registry: ProviderRegistry;
  readonly keysHttp: HttpClient;
  close(): Promise<void>;
}

const connectionsPerOrigin = 64;

export function connect(
  options: { mode: ServeOptions["mode"]; issuerUrl: string },
  tools: { env: Environment; entropy: Entropy; signer: TokenSigner },
): Connections {
  const allowInsecureLoopback = options.mode === "development";
  const newClient = () =>
    createNodeHttpClient({ allowInsecureLoopback, maxConnectionsPerOrigin: connectionsPerOrigin });
  const issuingHttp = newClient();
  const revokingHttp = newClient();
  const keysHttp = newClient();
  const registry = createProviderRegistry({
    issuerUrl: options.issuerUrl,
    issuingHttp,
    revokingHttp,
    signer: tools.signer,
    now: () => nodeClock.now(),
    randomBytes: (length) => tools.entropy.bytes(length),
    resolveSecret: secretResolver(tools.env),
  });
  return {
    registry,
    keysHttp,
    async close() {
      await Promise.all([issuingHttp.close(), revokingHttp.close(), keysHttp.close()]);
    },
  };
}
