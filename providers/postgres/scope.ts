/** The scope of a `postgres` template: `{ roles, connections }`, the group roles that a login role becomes a member of. */
import type { Capabilities } from "../../src/domain/capabilities.ts";
import type { ScopeFault, ScopeTemplate } from "../../src/domain/scope-template.ts";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { seconds } from "../../src/kernel/time.ts";
import { readMembers } from "../shared/members.ts";
import { parsePlaceholders, type Placeholders } from "../shared/placeholders.ts";
import { identifierSlot, isIdentifier } from "./identifiers.ts";
import type { PostgresOptions } from "./options.ts";

export interface PostgresScope {
  readonly roles: readonly string[];
  readonly connections: number;
}

const defaultConnections = 5;
/** A name of the server's own is granted only where it is written out in the policy. */
const serverRole = /^pg_/;

export function parsePostgresScope(
  scope: JsonObject,
  options: PostgresOptions,
): Result<ScopeTemplate<PostgresScope>, ScopeFault> {
  const members = readMembers(scope);
  const texts = members.texts("roles") ?? members.refuse("roles", "must list at least one role to be a member of");
  const connections = members.whole("connections", { min: 1, max: 100 }) ?? defaultConnections;
  const read = members.done(() => undefined);
  if (!read.ok) return read;
  const roles: Placeholders[] = [];
  for (const [index, text] of (texts ?? []).entries()) {
    const role = parseRole(text);
    if (!role.ok) return err({ path: `roles.${index}`, message: role.fault });
    roles.push(role.value);
  }
  return ok({
    placeholders: [...new Set(roles.flatMap(({ names }) => names))],
    capabilities: postgresCapabilities(options),
    fill: (parameters) => fillRoles(roles, connections, parameters),
  });
}

function parseRole(text: string): Result<Placeholders, string> {
  const role = parsePlaceholders(text);
  if (!role.ok) return role;
  const { names, head } = role.value;
  if (names.length > 0 && (head === "" || serverRole.test(head)))
    return err("must begin with text of its own, and not with pg_, before a placeholder");
  return names.length > 0 || isIdentifier(text) ? role : err("must be the name of a role, at most 63 bytes");
}

function fillRoles(
  templates: readonly Placeholders[],
  connections: number,
  parameters: Readonly<Record<string, Json>>,
): Result<PostgresScope, ScopeFault> {
  const roles = new Set<string>();
  for (const [index, template] of templates.entries()) {
    const role = template.fill(parameters, identifierSlot);
    if (!role.ok) return err({ path: `roles.${index}`, message: role.fault });
    if (!isIdentifier(role.value)) return err({ path: `roles.${index}`, message: "is longer than 63 bytes" });
    roles.add(role.value);
  }
  return ok({ roles: [...roles], connections });
}

export const postgresCapabilities = ({ maxTtlSeconds }: PostgresOptions): Capabilities => ({
  ttl: { kind: "chosen", minSeconds: seconds(1), maxSeconds: maxTtlSeconds, granularitySeconds: seconds(1) },
  handle: "pre-known",
  revocation: { kind: "immediate" },
  // VALID UNTIL keeps new password logins out; a session that is open goes on.
  nativeExpiry: "new-logins-only",
  probe: "control-plane",
  killsOpenSessions: true,
  listable: true,
  renewable: false,
  needsSecretToRevoke: false,
  bindsToKey: false,
  mintsInProcess: false,
});
