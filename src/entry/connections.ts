/** Issuing, revoking and key fetching each have connections of their own: none can take another's. */
import { loadProviderType } from "../../providers/index.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Entropy } from "../kernel/entropy.ts";
import type { ProviderName } from "../domain/names.ts";
import { err } from "../kernel/result.ts";
import type { HttpClient } from "../ports/http-client.ts";
import type { ProviderLedger, ProviderType } from "../ports/provider.ts";
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
  /** Left out: none, where providers are only looked at. */
  readonly ledgerOf?: (name: ProviderName) => ProviderLedger;
}

/** The providers over these connections; contacts nothing. */
export const connectProviders = (connections: Connections, tools: ConnectTools): ProviderRegistry =>
  createProviderRegistry({
    issuerUrl: tools.issuerUrl,
    issuingHttp: connections.issuing,
    revokingHttp: connections.revoking,
    loadType: (type) => connections.loadProviderType(type),
    signer: tools.signer,
    ledgerOf: tools.ledgerOf ?? (() => noLedger),
    now: () => tools.clock.now(),
    after: (delay, callback) => tools.clock.after(delay, callback),
    randomBytes: (length) => tools.entropy.bytes(length),
    resolveSecret: secretResolver(tools.env),
  });

/** For looking at providers: nothing that is asked of them then needs a ledger. */
const noLedger: ProviderLedger = {
  mark: "0000000000",
  denied: () => {
    throw new Error("there is no ledger");
  },
  exclusively: async () => err("unknown"),
};
