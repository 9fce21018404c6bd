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
import type { LeaseId, TaskId } from "../kernel/ids.ts";
import type { Redacted } from "../kernel/redacted.ts";
import type { Result } from "../kernel/result.ts";
import type { EpochMillis, Millis } from "../kernel/time.ts";
import type { HttpClient } from "./http-client.ts";
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
  /** Timeout, reset, 5xx after sending, unreadable answer: it may live. Never retried blindly. */
  | { readonly kind: "unknown"; readonly reason: string };

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
  readonly signer: TokenSigner;
  readonly now: () => EpochMillis;
  readonly randomBytes: (length: number) => Uint8Array;
  /** `{ env: NAME }` or `{ file: PATH }`; the fault is a short text for people, without the secret. */
  readonly resolveSecret: (reference: Json) => Promise<Result<Redacted, string>>;
}
