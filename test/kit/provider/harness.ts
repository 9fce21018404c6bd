/** What the conformance kit needs of a provider under test: the provider, the system itself, and ways to break the path between. */
import type { Lease } from "../../../src/domain/lease.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import type { Json, JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { LeaseId } from "../../../src/kernel/ids.ts";
import type { Redacted } from "../../../src/kernel/redacted.ts";
import type { Credential, Provider } from "../../../src/ports/provider.ts";
import type { FaultProxy } from "../../support/fault-proxy.ts";

export interface ProviderHarness {
  readonly provider: Provider;
  /** A template's scope, and parameters that fill it. */
  readonly scope: JsonObject;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly system: ProviderSystem;
  /** Between provider and system; null for a provider that mints in process. */
  readonly path: BreakablePath | null;
  /** Secrets that went to the system, read off the wire: none may show in an outcome. */
  canaries(): readonly string[];
  close(): Promise<void>;
}

/** The system itself, asked without the provider and without the proxy. */
export interface ProviderSystem {
  /** Uses the credential for what it is for. */
  use(credential: Credential): Promise<"accepted" | "refused">;
  /** What the system says the credential may do, sorted. */
  scopeOf(credential: Credential): Promise<readonly string[]>;
  readonly wantedScope: readonly string[];
}

export interface BreakablePath {
  readonly proxy: FaultProxy;
  readonly mint: string;
  readonly revoke: string;
  readonly probe: string | null;
}

/** How an honest kill of this provider ends. */
export interface ProviderTraits {
  /** The verdict on a credential that was probed alive after mint. */
  readonly verdict: "dead-verified" | "dead-unverified" | "expires-only";
  /** Whether the system itself refuses it then; false where the broker's introspection does, or only time. */
  readonly systemRefuses: boolean;
  /** The verdict on a mint whose outcome was never learnt. */
  readonly unknownVerdict: "already-gone" | "expires-only" | "dead-verified" | "dead-unverified" | "pending";
  /** The same where the system never saw the mint and the provider can tell; left out where it is the same. */
  readonly unseenVerdict?: "already-gone";
  /** Talks to a system over a path that can break. */
  readonly remote: boolean;
  /** The path is not HTTP: the provider's own tests break it. */
  readonly breaksElsewhere?: true;
}

/** A lease that was minted, and its kept secret. */
export interface MintedLease {
  readonly leaseId: LeaseId;
  readonly lease: Lease;
  readonly secret: Redacted | null;
  readonly credential: Credential;
}

export type Observed = { readonly what: string; readonly outcome: unknown };
export type VerdictKind = Verdict["kind"];
