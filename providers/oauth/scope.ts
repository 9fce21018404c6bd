/** The scope of an `oauth` template: `{ scopes, resource }` (RFC 6749 §3.3, RFC 8707), and what its tokens can do. */
import type { Capabilities } from "../../src/domain/capabilities.ts";
import type { ScopeFault, ScopeTemplate } from "../../src/domain/scope-template.ts";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { readMembers } from "../shared/members.ts";
import { parseResourceUri, type ResourceUri } from "../shared/resource-uri.ts";
import { parseScopeTokens, type ScopeTokens } from "../shared/scope-tokens.ts";
import type { OAuthOptions } from "./options.ts";

export interface OAuthScope {
  readonly scopes: readonly string[];
  readonly resource: string | null;
}

export function parseOAuthScope(
  scope: JsonObject,
  options: OAuthOptions,
): Result<ScopeTemplate<OAuthScope>, ScopeFault> {
  const members = readMembers(scope);
  const scopeTexts = members.texts("scopes") ?? members.refuse("scopes", "must list at least one scope");
  const resourceText = members.text("resource");
  const read = members.done(() => undefined);
  if (!read.ok) return read;
  const scopes = parseScopeTokens(scopeTexts ?? [], "scopes");
  if (!scopes.ok) return scopes;
  if (resourceText === undefined) return ok(templateOf(scopes.value, null, options));
  const resource = parseResourceUri(resourceText, "uri");
  return resource.ok
    ? ok(templateOf(scopes.value, resource.value, options))
    : err({ path: "resource", message: resource.fault });
}

function templateOf(
  scopes: ScopeTokens,
  resource: ResourceUri | null,
  options: OAuthOptions,
): ScopeTemplate<OAuthScope> {
  return {
    placeholders: [...new Set([...scopes.names, ...(resource?.names ?? [])])],
    capabilities: oauthCapabilities(options),
    ...(resource?.fixed === undefined ? {} : { audience: resource.fixed }),
    fill: (parameters) => fillScope(scopes, resource, parameters),
  };
}

function fillScope(
  scopes: ScopeTokens,
  resource: ResourceUri | null,
  parameters: Readonly<Record<string, Json>>,
): Result<OAuthScope, ScopeFault> {
  const filledScopes = scopes.fill(parameters);
  if (!filledScopes.ok) return filledScopes;
  if (resource === null) return ok({ scopes: filledScopes.value, resource: null });
  const filledResource = resource.fill(parameters);
  if (!filledResource.ok) return err({ path: "resource", message: filledResource.fault });
  return ok({ scopes: filledScopes.value, resource: filledResource.value });
}

export function oauthCapabilities(options: OAuthOptions): Capabilities {
  const killable = options.revocation === "immediate";
  return {
    ttl: { kind: "server-decides", assumedMaxSeconds: options.maxTokenSeconds },
    handle: killable ? "secret-itself" : "returned",
    revocation: { kind: options.revocation },
    nativeExpiry: "full",
    probe: options.introspection ? "control-plane" : "none",
    killsOpenSessions: false,
    listable: false,
    renewable: false,
    needsSecretToRevoke: killable,
    bindsToKey: false,
    mintsInProcess: false,
  };
}
