/**
 * The scope of a `vault` template: the policies of the task's own token, and what is delivered: that token (wrapped, if
 * wanted), or what a path gives it. What a kill can do depends on the engine behind the path, so the template names it.
 */
import type { Capabilities } from "../../src/domain/capabilities.ts";
import type { NativeExpiry } from "../../src/domain/lease.ts";
import type { ScopeFault, ScopeTemplate } from "../../src/domain/scope-template.ts";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { seconds } from "../../src/kernel/time.ts";
import { readMembers, type Members } from "../shared/members.ts";
import { parsePlaceholders, type Placeholders } from "../shared/placeholders.ts";
import { scopeTokenSlot } from "../shared/slots.ts";
import type { VaultOptions } from "./options.ts";
import { parsePathTemplate, type PathTemplate } from "./path-template.ts";

export interface VaultScope {
  readonly policies: readonly string[];
  readonly source: Source;
  readonly revocation: "immediate" | "expiry-only";
}

export type Source =
  | { readonly kind: "token"; readonly wrapSeconds: number | null }
  | {
      readonly kind: "leased";
      readonly path: string;
      readonly engine: Engine;
      /** Null: read; else written, as `pki/issue/x` wants it. */
      readonly fields: Readonly<Record<string, string>> | null;
    };

export type Engine = (typeof engines)[number];
const engines = ["database", "rabbitmq", "ldap", "kubernetes", "pki", "other"] as const;

/** What ends with the server's lease, unless the template knows better. */
const engineTraits: Readonly<Record<Engine, { revocation: VaultScope["revocation"]; nativeExpiry: NativeExpiry }>> = {
  // `VALID UNTIL` and its like: the server's own end of the lease may fail, and then only logins stop.
  database: { revocation: "immediate", nativeExpiry: "new-logins-only" },
  rabbitmq: { revocation: "immediate", nativeExpiry: "none" },
  ldap: { revocation: "immediate", nativeExpiry: "none" },
  // Tokens and certificates carry their end in themselves, and are checked without asking the server.
  kubernetes: { revocation: "expiry-only", nativeExpiry: "full" },
  pki: { revocation: "expiry-only", nativeExpiry: "full" },
  other: { revocation: "expiry-only", nativeExpiry: "full" },
};

const policyName = /^[a-z0-9][a-z0-9_./-]{0,127}$/;
/** Everything that every token may, and everything at all: neither is a scope. */
const refusedPolicies = ["root", "default"];
const fieldName = /^[a-z][a-z0-9_]{0,63}$/;

interface Parsed {
  readonly policies: readonly Placeholders[];
  readonly path: PathTemplate | null;
  readonly fields: ReadonlyMap<string, Placeholders> | null;
  readonly engine: Engine;
  readonly wrapSeconds: number | null;
  readonly revocation: VaultScope["revocation"];
  readonly nativeExpiry: NativeExpiry;
  readonly endsSessions: boolean;
}

export function parseVaultScope(
  scope: JsonObject,
  options: VaultOptions,
): Result<ScopeTemplate<VaultScope>, ScopeFault> {
  const members = readMembers(withoutFields(scope));
  const policies = parsePolicies(members);
  const pathText = members.text("path");
  const path = pathText === undefined ? ok(null) : parsePathTemplate(pathText);
  if (!path.ok) members.refuse("path", path.fault);
  const fields = parseFields(scope["fields"], members);
  const engine = members.oneOf("engine", engines);
  const wrapSeconds = members.whole("wrapSeconds", { min: 1, max: 3600 }) ?? null;
  const revocation = members.oneOf("revocation", ["immediate", "expiry-only"]);
  const nativeExpiry = members.oneOf("nativeExpiry", ["full", "new-logins-only", "none"]);
  const endsSessions = members.flag("endsSessions");
  if (pathText === undefined) {
    for (const [name, value] of Object.entries({ engine, fields, revocation, nativeExpiry, endsSessions }))
      if (value !== undefined && value !== null)
        members.refuse(name, "is of a path; without one the token is delivered");
  } else {
    if (engine === undefined) members.refuse("engine", `names what is behind the path: one of ${engines.join(", ")}`);
    if (wrapSeconds !== null)
      members.refuse(
        "wrapSeconds",
        "hides the server's lease, which then could not be ended and seen dead; deliver a token",
      );
  }
  const traits = pathText === undefined ? tokenTraits : engineTraits[engine ?? "other"];
  const parsed: Parsed = {
    policies,
    path: path.ok ? path.value : null,
    fields,
    engine: engine ?? "other",
    wrapSeconds,
    revocation: revocation ?? traits.revocation,
    nativeExpiry: nativeExpiry ?? traits.nativeExpiry,
    endsSessions: endsSessions ?? pathText === undefined,
  };
  if (parsed.revocation === "expiry-only" && parsed.nativeExpiry !== "full")
    members.refuse("revocation", "cannot be expiry-only where expiry does not end everything");
  return members.done(() => templateOf(parsed, options));
}

/** The server asks for the token with each request: there are no sessions that could outlive it. */
const tokenTraits = { revocation: "immediate", nativeExpiry: "full" } as const;

function parsePolicies(members: Members): readonly Placeholders[] {
  const texts = members.texts("policies") ?? [];
  if (texts.length === 0) members.refuse("policies", "must list at least one policy of the task's token");
  return texts.flatMap((text, index) => {
    const parsed = parsePlaceholders(text);
    const fault = parsed.ok ? policyFault(text.replaceAll(/\$\{[^}]*\}/g, "x")) : parsed.fault;
    if (fault !== undefined) members.refuse(`policies.${index}`, fault);
    return parsed.ok ? [parsed.value] : [];
  });
}

function policyFault(name: string): string | undefined {
  if (!policyName.test(name)) return "must be a policy name: lower-case letters, digits, _, -, / and dots";
  return refusedPolicies.includes(name) ? "must not be root or default" : undefined;
}

/** `fields` is the one member that is an object; the readers of members know texts and lists. */
function withoutFields({ fields: _fields, ...others }: JsonObject): JsonObject {
  return others;
}

function parseFields(value: Json | undefined, members: Members): ReadonlyMap<string, Placeholders> | null {
  if (value === undefined) return null;
  const fields = new Map<string, Placeholders>();
  const entries = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : null;
  if (entries === null) members.refuse("fields", "must be a map of texts");
  for (const [name, text] of entries ?? []) {
    const parsed = typeof text === "string" ? parsePlaceholders(text) : err("must be a text");
    if (!fieldName.test(name) || name === "ttl")
      members.refuse(`fields.${name}`, "is no field that a template may set; the lifetime is the lease's own");
    else if (parsed.ok) fields.set(name, parsed.value);
    else members.refuse(`fields.${name}`, parsed.fault);
  }
  return fields;
}

function templateOf(parsed: Parsed, options: VaultOptions): ScopeTemplate<VaultScope> {
  const all = [...parsed.policies, ...(parsed.fields?.values() ?? [])];
  return {
    placeholders: [...new Set([...all.flatMap(({ names }) => names), ...(parsed.path?.names ?? [])])],
    capabilities: capabilitiesOf(options, parsed),
    ...(parsed.path === null ? {} : { system: parsed.path.shape }),
    fill: (parameters) => fillScope(parsed, parameters),
  };
}

function fillScope(parsed: Parsed, parameters: Readonly<Record<string, Json>>): Result<VaultScope, ScopeFault> {
  const { revocation, engine, wrapSeconds } = parsed;
  const policies: string[] = [];
  for (const [index, template] of parsed.policies.entries()) {
    const policy = template.fill(parameters, scopeTokenSlot);
    const fault = policy.ok ? policyFault(policy.value) : policy.fault;
    if (fault !== undefined || !policy.ok) return err({ path: `policies.${index}`, message: fault ?? "" });
    policies.push(policy.value);
  }
  if (parsed.path === null) return ok({ policies, revocation, source: { kind: "token", wrapSeconds } });
  const path = parsed.path.fill(parameters);
  if (!path.ok) return err({ path: "path", message: path.fault });
  const fields: Record<string, string> = {};
  for (const [name, template] of parsed.fields ?? []) {
    const text = template.fill(parameters, scopeTokenSlot);
    if (!text.ok) return err({ path: `fields.${name}`, message: text.fault });
    fields[name] = text.value;
  }
  const source: Source = { kind: "leased", path: path.value, engine, fields: parsed.fields === null ? null : fields };
  return ok({ policies, revocation, source });
}

export function capabilitiesOf(
  options: VaultOptions,
  traits: Pick<Parsed, "revocation" | "nativeExpiry" | "endsSessions"> = { ...tokenTraits, endsSessions: true },
): Capabilities {
  return {
    ttl: { kind: "chosen", minSeconds: seconds(1), maxSeconds: options.maxTtlSeconds, granularitySeconds: seconds(1) },
    handle: options.listing ? "pre-known" : "returned",
    revocation: { kind: traits.revocation },
    nativeExpiry: traits.nativeExpiry,
    probe: "control-plane",
    killsOpenSessions: traits.endsSessions,
    listable: options.listing,
    renewable: false,
    needsSecretToRevoke: false,
    bindsToKey: false,
    mintsInProcess: false,
  };
}
