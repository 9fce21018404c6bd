/** The scope of a `jwt` template: `{ audience, scopes, introspected }`, and what its tokens can and cannot do. */
import type { Capabilities } from "../../src/domain/capabilities.ts";
import type { ScopeFault, ScopeTemplate } from "../../src/domain/scope-template.ts";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { seconds } from "../../src/kernel/time.ts";
import { readMembers } from "../shared/members.ts";
import { parseResourceUri, type ResourceUri } from "../shared/resource-uri.ts";
import { parseScopeTokens, type ScopeTokens } from "../shared/scope-tokens.ts";
import type { JwtOptions } from "./options.ts";

export interface JwtScope {
  readonly audience: string;
  readonly scopes: readonly string[];
  /** The resource server asks the broker about each token: a closed gate is a dead token. */
  readonly introspected: boolean;
}

export function parseJwtScope(scope: JsonObject, options: JwtOptions): Result<ScopeTemplate<JwtScope>, ScopeFault> {
  const members = readMembers(scope);
  const audienceText =
    members.text("audience") ?? members.refuse("audience", "names the resource server; it must be there");
  const scopeTexts = members.texts("scopes") ?? members.refuse("scopes", "must list at least one scope");
  const introspected = members.flag("introspected") ?? false;
  const read = members.done(() => undefined);
  if (!read.ok) return read;
  const audience = parseResourceUri(audienceText ?? "", "uri-or-name");
  if (!audience.ok) return err({ path: "audience", message: audience.fault });
  const scopes = parseScopeTokens(scopeTexts ?? [], "scopes");
  return scopes.ok ? ok(templateOf(audience.value, scopes.value, introspected, options)) : scopes;
}

function templateOf(
  audience: ResourceUri,
  scopes: ScopeTokens,
  introspected: boolean,
  options: JwtOptions,
): ScopeTemplate<JwtScope> {
  return {
    placeholders: [...new Set([...audience.names, ...scopes.names])],
    capabilities: jwtCapabilities(options, introspected),
    ...(audience.fixed === undefined ? {} : { audience: audience.fixed }),
    fill: (parameters) => fillScope(audience, scopes, introspected, parameters),
  };
}

function fillScope(
  audience: ResourceUri,
  scopes: ScopeTokens,
  introspected: boolean,
  parameters: Readonly<Record<string, Json>>,
): Result<JwtScope, ScopeFault> {
  const filledAudience = audience.fill(parameters);
  if (!filledAudience.ok) return err({ path: "audience", message: filledAudience.fault });
  const filledScopes = scopes.fill(parameters);
  if (!filledScopes.ok) return filledScopes;
  return ok({ audience: filledAudience.value, scopes: filledScopes.value, introspected });
}

/**
 * Where the resource server introspects, the broker itself is the enforcement point and the kill is immediate. A
 * server that only checks the signature accepts the token until it expires, whatever anyone says.
 */
export const jwtCapabilities = (options: JwtOptions, introspected: boolean): Capabilities => ({
  ttl: { kind: "chosen", minSeconds: seconds(1), maxSeconds: options.maxTtlSeconds, granularitySeconds: seconds(1) },
  handle: "pre-known",
  revocation: introspected ? { kind: "immediate" } : { kind: "expiry-only" },
  nativeExpiry: "full",
  probe: "none",
  killsOpenSessions: false,
  listable: false,
  renewable: false,
  needsSecretToRevoke: false,
  bindsToKey: false,
  mintsInProcess: true,
});
