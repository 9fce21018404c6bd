/**
 * Where credentials come from. Every provider passes test/kit/provider against a real server.
 *
 * A provider does I/O only through what it is handed, honours `signal`, never retries a mint by itself, keeps secrets
 * in `Redacted`, and never forwards text of a third party: reasons are its own short words.
 */
import type { Capabilities } from "../domain/capabilities.ts";
import type { Lease } from "../domain/lease.ts";
import type { ScopeFault, ScopeTemplate } from "../domain/scope-template.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Json, JsonObject } from "../kernel/canonical-json.ts";
import type { Clock } from "../kernel/clock.ts";
import type { LeaseId, TaskId } from "../kernel/ids.ts";
import type { Redacted } from "../kernel/redacted.ts";
import type { Result } from "../kernel/result.ts";
import type { EpochMillis, Millis } from "../kernel/time.ts";
import type { HttpClient } from "./http-client.ts";
import type { Lock } from "./ledger-commands.ts";
import type { TokenSigner } from "./token-signer.ts";

/** One configured provider. `Scope` is the parsed template scope with parameters filled in. */
export interface Provider<Scope = unknown> {
  readonly type: string;
  /** Of the provider as configured, before any template. */
  readonly capabilities: Capabilities;
  /**
   * SHA-256 over what names the system and the broker's account there, a dot, SHA-256 over the whole configuration;
   * secrets left out. Instances that agree before the dot can kill each other's credentials.
   */
  readonly digest: string;
  /** Parses a template's scope once, at policy load. Unknown members are faults. */
  parseScope(scope: JsonObject): Result<ScopeTemplate<Scope>, ScopeFault>;
  /** Chosen before mint and stored with the intent: enough to revoke blind where `handle` is `pre-known`. */
  plan(request: PlanRequest<Scope>): MintPlan;
  mint(request: MintRequest<Scope>): Promise<MintOutcome>;
  /** Idempotent. Never answers dead without the system's word. */
  revoke(request: RevokeRequest): Promise<Verdict>;
  /** Whether the credential still works; absent where capabilities say `none`. */
  probe?(request: ProbeRequest): Promise<ProbeAnswer>;
  /** A page of what lives at the system under this ledger's mark; where capabilities say `listable`. Changes nothing. */
  list?(request: ListRequest): Promise<Result<ListPage, string>>;
  /** Ends what `list` showed and no lease accounts for. As `revoke`: idempotent, never dead without the system's word. */
  revokeStray?(request: StrayRequest): Promise<Verdict>;
  /**
   * Of kills that stand only as long as somebody keeps them: those of `leases` that do not stand any more. Only what was
   * said to be dead is asked for. The fault is a short word of the provider's own.
   */
  findUndone?(request: UndoneRequest): Promise<Result<readonly LeaseId[], string>>;
  /**
   * Of kills that may end more than was asked for: which of the living `leases` ended with others. They become due, so that
   * the ledger does not call alive what is not.
   */
  findEnded?(request: UndoneRequest): Promise<Result<readonly LeaseId[], string>>;
  /** Reaches the system with the broker's own credentials; for `doctor` and readiness. Changes nothing. */
  check(signal: AbortSignal): Promise<Result<void, string>>;
  close(): Promise<void>;
}

export interface PlanRequest<Scope> {
  readonly leaseId: LeaseId;
  readonly taskId: TaskId;
  readonly scope: Scope;
}
export interface MintPlan {
  readonly handle: JsonObject;
  /** Longest time the credential could live if the outcome stays unknown. */
  readonly worstCaseTtl: Millis;
}

export interface MintRequest<Scope> extends PlanRequest<Scope> {
  readonly handle: JsonObject;
  readonly agent: string;
  readonly subject: string;
  /** The provider makes it live no longer than this where it can choose. */
  readonly expiresAt: EpochMillis;
  readonly now: EpochMillis;
  readonly signal: AbortSignal;
}

export type MintOutcome =
  | { readonly kind: "minted"; readonly minted: Minted }
  /** Certainly nothing was made. `retryable` tells the caller whether asking again can help. */
  | { readonly kind: "rejected"; readonly reason: string; readonly retryable: boolean }
  /**
   * Timeout, reset, 5xx after sending, unreadable answer: it may live. Never retried blindly. `handle`: what was learnt
   * before, where a kill can do more with it than with the planned one.
   */
  | { readonly kind: "unknown"; readonly reason: string; readonly handle?: JsonObject };

export interface Minted {
  readonly credential: Credential;
  readonly handle: JsonObject;
  /** What revoking or probing will need; sealed before it is stored. */
  readonly secretToKeep: Redacted | null;
  /** Whether the value must be found again by its fingerprint (`/revoke`): false where the handle names it. */
  readonly findByFingerprint: boolean;
  readonly nativeExpiresAt: EpochMillis;
  /** What the system says it granted, to be compared with what was asked. Null where it says nothing. */
  readonly granted: Granted | null;
  /** Where a limit of the system's nearly refused this mint: operators are told while there is time. */
  readonly nearLimit?: NearLimit;
}

export interface NearLimit {
  /** A short word of the provider's own. */
  readonly limit: string;
  /** How much of it this mint took. */
  readonly percent: number;
}

export type Credential =
  | { readonly kind: "bearer"; readonly value: Redacted; readonly tokenType: "Bearer" | "DPoP" }
  /** Structured: delivered as compact JSON and as the `credential` member; `type` names the shape. */
  | { readonly kind: "structured"; readonly type: string; readonly value: Redacted<JsonObject> };

export interface Granted {
  /** True where the grant goes beyond what was asked: the mint is killed, never delivered (promise P8). */
  readonly wider: boolean;
  readonly scope: string | null;
}

export interface RevokeRequest {
  readonly lease: Lease;
  readonly secret: Redacted | null;
  readonly now: EpochMillis;
  readonly signal: AbortSignal;
}
export type ProbeRequest = RevokeRequest;
export type ProbeAnswer =
  | { readonly kind: "alive" }
  | { readonly kind: "dead" }
  | { readonly kind: "unclear"; readonly reason: string };

export interface ListRequest {
  /** Where the page before ended; null for the first. */
  readonly after: string | null;
  readonly limit: number;
  readonly signal: AbortSignal;
}
export interface ListPage {
  readonly found: readonly Found[];
  /** Null where nothing is left. */
  readonly next: string | null;
}
export interface Found {
  /** As the system calls it, for people; never a secret. */
  readonly name: string;
  /** Null where what was found does not tell. */
  readonly leaseId: LeaseId | null;
  readonly createdAt: EpochMillis | null;
  /** What `revokeStray` needs. */
  readonly handle: JsonObject;
}
export interface StrayRequest {
  readonly found: Found;
  readonly now: EpochMillis;
  readonly signal: AbortSignal;
}
export interface UndoneRequest {
  readonly leases: readonly Lease[];
  readonly now: EpochMillis;
  readonly signal: AbortSignal;
}

/** What the ledger keeps for a provider, the same for all nodes. */
export interface ProviderLedger {
  /**
   * Ten characters of a-z and 0-9: put into the name of whatever a listable provider makes, so that it never takes another
   * broker's for its own.
   */
  readonly mark: string;
  /**
   * What a deny list of the system (a template scope's `system`, if it has one) must hold: leases of a scope with a
   * `capacity` that are dying, or revoked and not yet ended by themselves. By id. Rejects where the ledger does not answer.
   */
  denied(system?: string): AsyncIterable<Lease>;
  /**
   * Runs `work` while no other of this provider's holds that name, on any node. The lock lapses after `hold`, whatever
   * `work` does: its requests must time out before. `held`: try again later. Rejects as `work` does.
   */
  exclusively<T>(name: string, hold: Millis, work: (lock: Lock) => Promise<T>): Promise<Result<T, "held" | "unknown">>;
}

/** The constructor of a provider type, in the explicit list of providers/index.ts. */
export interface ProviderType {
  readonly type: string;
  /**
   * `options` is the Provider resource's spec without `type`; secrets in it are references that the provider resolves.
   * Makes no request: a broker starts, and ends tasks, while the system is down.
   */
  create(options: JsonObject, tools: ProviderTools): Promise<Result<Provider, ScopeFault>>;
}
export interface ProviderTools {
  /** The provider's resource name. */
  readonly name: string;
  readonly issuerUrl: string;
  readonly http: HttpClient;
  readonly ledger: ProviderLedger;
  readonly signer: TokenSigner;
  readonly now: () => EpochMillis;
  /** For what a provider keeps alive by itself, as a login; `close` cancels it. */
  readonly after: Clock["after"];
  readonly randomBytes: (length: number) => Uint8Array;
  /** `{ env: NAME }` or `{ file: PATH }`; the fault is a short text for people, without the secret. */
  readonly resolveSecret: (reference: Json) => Promise<Result<Redacted, string>>;
}
