/** Issuing, revoking and key fetching each have connections of their own: none can take another's. */
import type { Clock } from "../kernel/clock.ts";
import type { Entropy } from "../kernel/entropy.ts";
import type { ProviderName } from "../domain/names.ts";
import { err, type Result } from "../kernel/result.ts";
import type { HttpClient } from "../ports/http-client.ts";
import type { ProviderLedger, ProviderTools, ProviderType } from "../ports/provider.ts";
import type { TokenSigner } from "../ports/token-signer.ts";
import { createProviderRegistry, type ProviderRegistry } from "./provider-registry.ts";

/** All that leads out of the process, and which systems it leads to. */
export interface Connections {
  readonly issuing: HttpClient;
  readonly revoking: HttpClient;
  readonly keys: HttpClient;
  /** The fault is what is wrong with naming it. */
  loadProviderType(type: string): Promise<Result<ProviderType, string>>;
  close(): Promise<void>;
}

export interface ConnectTools {
  readonly issuerUrl: string;
  readonly resolveSecret: ProviderTools["resolveSecret"];
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
    resolveSecret: tools.resolveSecret,
  });

/** For looking at providers: nothing that is asked of them then needs a ledger. */
const noLedger: ProviderLedger = {
  mark: "0000000000",
  denied: () => {
    throw new Error("there is no ledger");
  },
  exclusively: async () => err("unknown"),
};
