/** The scope of an `aws-sts` template: `{ role, statements }`, and what its sessions can do. */
import type { Capabilities } from "../../src/domain/capabilities.ts";
import type { ScopeFault, ScopeTemplate } from "../../src/domain/scope-template.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { epochMillis, seconds } from "../../src/kernel/time.ts";
import { readMembers } from "../shared/members.ts";
import type { AwsStsOptions } from "./options.ts";
import type { Role } from "./role.ts";
import { maxSessionPolicyLength, sessionPolicy } from "./session-policy.ts";
import {
  fillStatements,
  parseStatements,
  placeholdersOf,
  type Statement,
  type StatementTemplate,
} from "./statements.ts";

export interface AwsStsScope {
  readonly role: Role;
  readonly statements: readonly Statement[];
}

export function parseAwsStsScope(
  scope: JsonObject,
  options: AwsStsOptions,
): Result<ScopeTemplate<AwsStsScope>, ScopeFault> {
  const { statements: rawStatements, ...rest } = scope;
  const members = readMembers(rest);
  const arn = members.text("role");
  const role = options.roles.find((known) => known.arn === arn);
  if (role === undefined)
    members.refuse(
      "role",
      `must be one of the provider's roles: ${options.roles.map((known) => known.arn).join(", ")}`,
    );
  const read = members.done(() => undefined);
  if (!read.ok) return read;
  const statements = parseStatements(rawStatements);
  if (!statements.ok || role === undefined)
    return statements.ok ? err({ path: "role", message: "is missing" }) : statements;
  const placeholders = placeholdersOf(statements.value);
  const fill: ScopeTemplate<AwsStsScope>["fill"] = (parameters) => fillScope(role, statements.value, parameters);
  // With the shortest values: what does not fit then never will.
  const shortest = fill(Object.fromEntries(placeholders.map((name) => [name, "x"])));
  if (!shortest.ok) return shortest;
  return ok({
    placeholders,
    capabilities: awsStsCapabilities(options),
    system: role.name,
    capacity: options.maxSessions,
    fill,
  });
}

function fillScope(
  role: Role,
  templates: readonly StatementTemplate[],
  parameters: Parameters<ScopeTemplate["fill"]>[0],
): Result<AwsStsScope, ScopeFault> {
  const statements = fillStatements(templates, parameters);
  if (!statements.ok) return statements;
  const { length } = sessionPolicy(statements.value, epochMillis(0));
  if (length > maxSessionPolicyLength)
    return err({ path: "statements", message: `make a session policy of ${length} characters; AWS takes 2048` });
  return ok({ role, statements: statements.value });
}

/** Below it a lifetime is mostly the way there and back. */
const minSeconds = 10;

export const awsStsCapabilities = (options: AwsStsOptions): Capabilities => ({
  ttl: {
    kind: "chosen",
    minSeconds: seconds(minSeconds),
    maxSeconds: options.maxSessionSeconds,
    granularitySeconds: seconds(1),
  },
  handle: "pre-known",
  revocation: { kind: "eventual", settleSeconds: options.settleSeconds },
  nativeExpiry: "full",
  probe: options.probe === undefined ? "none" : "data-plane",
  killsOpenSessions: false,
  listable: false,
  renewable: false,
  needsSecretToRevoke: false,
  bindsToKey: false,
  mintsInProcess: false,
});
