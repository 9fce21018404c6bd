/** Issuing, revoking and key fetching each have connections of their own: none can take another's. */
import { loadProviderType } from "../../providers/index.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Entropy } from "../kernel/entropy.ts";
import type { HttpClient } from "../ports/http-client.ts";
import type { ProviderType } from "../ports/provider.ts";
import type { TokenSigner } from "../ports/token-signer.ts";
import type { Environment, ServeOptions } from "./config.ts";
import { createNodeHttpClient } from "./node-http-client.ts";
import { createProviderRegistry, type ProviderRegistry } from "./provider-registry.ts";
import { secretResolver } from "./resolve-secret.ts";

/** All that leads out of the process, and which systems it leads to. */
export interface Connections {
  readonly issuing: HttpClient;
  readonly revoking: HttpClient;
  readonly keys: HttpClient;
  loadProviderType(type: string): Promise<ProviderType | undefined>;
  close(): Promise<void>;
}

const connectionsPerOrigin = 64;

export function openConnections(mode: ServeOptions["mode"]): Connections {
  const newClient = () =>
    createNodeHttpClient({
      allowInsecureLoopback: mode === "development",
      maxConnectionsPerOrigin: connectionsPerOrigin,
    });
  const [issuing, revoking, keys] = [newClient(), newClient(), newClient()];
  return {
    issuing,
    revoking,
    keys,
    loadProviderType,
    async close() {
      await Promise.all([issuing.close(), revoking.close(), keys.close()]);
    },
  };
}

export interface ConnectTools {
  readonly issuerUrl: string;
  readonly env: Environment;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly signer: TokenSigner;
}

/** The providers over these connections; contacts nothing. */
export const connectProviders = (connections: Connections, tools: ConnectTools): ProviderRegistry =>
  createProviderRegistry({
    issuerUrl: tools.issuerUrl,
    issuingHttp: connections.issuing,
    revokingHttp: connections.revoking,
    loadType: (type) => connections.loadProviderType(type),
    signer: tools.signer,
    now: () => tools.clock.now(),
    randomBytes: (length) => tools.entropy.bytes(length),
    resolveSecret: secretResolver(tools.env),
  });
