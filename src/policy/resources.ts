/**
 * The policy resources as the rest of the broker sees them: parsed, defaulted, branded. Missing means deny.
 * Parsing is in parse/, decisions in decide.ts.
 */
import type { Capabilities } from "../domain/capabilities.ts";
import type { AgentName, IssuerName, ProviderName, TargetName, TemplateName } from "../domain/names.ts";
import type { TrustedIssuer } from "../domain/trusted-issuer.ts";
import type { ScopeTemplate } from "../domain/scope-template.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { Seconds } from "../kernel/time.ts";
import type { CallerIndex } from "./callers.ts";
import type { Condition } from "./condition.ts";
import type { ParameterSchema } from "./parameters.ts";
import type { Origin } from "./parse/fault.ts";
import type { Pattern } from "./pattern.ts";

export type Role = "agent" | "orchestrator" | "resource" | "operator";
export type OperatorRight = "read" | "kill" | "policy";

export interface AgentProfile {
  readonly name: AgentName;
  readonly identity: {
    readonly issuer: IssuerName;
    readonly subject: Pattern;
    /** Compared exactly, the type included. */
    readonly claims: Readonly<Record<string, string | number | boolean>>;
  };
  readonly owners: { readonly businessApprover: string; readonly technicalCustodian: string };
  readonly role: RoleGrant;
}
export type RoleGrant =
  | {
      readonly kind: "agent";
      readonly delegation: { readonly maxDepth: number } | null;
      /** Live tasks that exchanges without a task may open. */
      readonly autoTasks: number;
      /** Open tasks that others, or it itself, opened for it; and those that it opened. */
      readonly openTasks: number;
    }
  | {
      readonly kind: "orchestrator";
      readonly mayOpenFor: { readonly agents: readonly Pattern[]; readonly templates: readonly Pattern[] };
      /** Open tasks that it opened. */
      readonly openTasks: number;
    }
  | { readonly kind: "resource"; readonly audiences: readonly string[] }
  | { readonly kind: "operator"; readonly may: readonly OperatorRight[] };

export interface ProviderResource {
  readonly name: ProviderName;
  readonly type: string;
  /** The spec without `type`; secrets stay references (`{env: NAME}` or `{file: PATH}`) until composition. */
  readonly options: JsonObject;
}

export interface CredentialTemplate {
  readonly name: TemplateName;
  readonly provider: ProviderName;
  readonly agents: readonly Pattern[];
  readonly actionClass: "read" | "write" | "privileged" | "external";
  readonly sensitivity: "public" | "internal" | "confidential" | "restricted";
  readonly ttl: { readonly defaultSeconds: Seconds; readonly maxSeconds: Seconds };
  readonly parameters: ParameterSchema;
  readonly scope: JsonObject;
  readonly when: Condition | null;
  readonly denyWhen: Condition | null;
  readonly limits: TemplateLimits;
  readonly requires: Requirements;
  readonly autoTask: boolean;
  readonly allowEarlyKill: boolean;
  /** Explicit opt-in to credentials that only expire. */
  readonly allowExpiryOnly: boolean;
  /** Issue even while the target's kill path is broken. */
  readonly issueWhenKillPathBroken: boolean;
}

export interface TemplateLimits {
  readonly liveLeasesPerTask: number | null;
  readonly liveLeasesPerTree: number | null;
  readonly liveLeasesPerAgent: number | null;
  readonly liveLeases: number | null;
  readonly mintsPerMinutePerAgent: number | null;
  readonly mintsPerMinute: number | null;
}

export interface Requirements {
  readonly revocation: readonly Capabilities["revocation"]["kind"][] | null;
  readonly probe: readonly Capabilities["probe"][] | null;
  readonly killsOpenSessions: boolean;
  readonly proofOfPossession: boolean;
}

/** Organisation-wide denial or cap. A denial beats every template. */
export interface Guardrail {
  readonly name: string;
  /** Empty selectors match everything. */
  readonly match: {
    readonly agents: readonly Pattern[];
    readonly templates: readonly Pattern[];
    readonly providers: readonly Pattern[];
    readonly actionClasses: readonly CredentialTemplate["actionClass"][];
    readonly sensitivities: readonly CredentialTemplate["sensitivity"][];
  };
  readonly denyWhen: Condition | null;
  readonly deny: boolean;
  readonly maxTtlSeconds: Seconds | null;
  readonly requires: Requirements | null;
  readonly limits: TemplateLimits;
}

/** One parsed folder. `digest` is SHA-256 over the canonical resources: every decision records it. */
export interface PolicySet {
  readonly digest: string;
  readonly issuers: ReadonlyMap<IssuerName, TrustedIssuer>;
  readonly agents: ReadonlyMap<AgentName, AgentProfile>;
  readonly providers: ReadonlyMap<ProviderName, ProviderResource>;
  readonly templates: ReadonlyMap<TemplateName, CredentialTemplate>;
  readonly guardrails: readonly Guardrail[];
  /** Where each resource was read, by `Kind/name`: for faults found while binding. */
  readonly origins: ReadonlyMap<string, Origin>;
}

/** A policy whose templates were accepted by their providers; the only kind that decides. */
export interface BoundPolicy extends Omit<PolicySet, "origins"> {
  readonly bound: ReadonlyMap<TemplateName, BoundTemplate>;
  readonly callers: CallerIndex;
}
export interface BoundTemplate {
  readonly template: CredentialTemplate;
  readonly scope: ScopeTemplate;
  readonly target: TargetName;
  /** Those whose template, provider and class selectors match; only their agent selectors are left to the request. */
  readonly guardrails: readonly Guardrail[];
}
