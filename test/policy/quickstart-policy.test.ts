/** The policy that the quickstart writes: it is accepted without a warning, and the real providers take its scopes. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseJwtOptions } from "../../providers/jwt/options.ts";
import { parseJwtScope } from "../../providers/jwt/scope.ts";
import { parseOAuthOptions } from "../../providers/oauth/options.ts";
import { parseOAuthScope } from "../../providers/oauth/scope.ts";
import { err } from "../../src/kernel/result.ts";
import { bindPolicy, type ScopeOf } from "../../src/policy/bind.ts";
import { formatFault } from "../../src/policy/parse/fault.ts";
import { parsePolicy, type ParsedPolicy } from "../../src/policy/parse/parse-policy.ts";

const folder = join(import.meta.dirname, "../../scripts/policy");

async function readQuickstart(): Promise<ParsedPolicy> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const parsed = await parsePolicy(names.map((path) => ({ path, text: readFileSync(join(folder, path), "utf8") })));
  if (!parsed.ok) throw new Error(parsed.fault.map(formatFault).join("\n"));
  return parsed.value;
}

describe("the quickstart's policy", () => {
  it("is accepted without a warning", async () => {
    const { policy, warnings } = await readQuickstart();
    expect(warnings.map(formatFault)).toEqual([]);
    expect([...policy.agents.values()].map((agent) => agent.role.kind)).toEqual([
      "orchestrator",
      "agent",
      "resource",
      "operator",
    ]);
    expect([...policy.templates.keys()]).toEqual(["ledger-read", "ledger-report"]);
  });

  it("is bound by the real providers, with kills that take effect at once", async () => {
    const { policy } = await readQuickstart();
    const scopeOf: ScopeOf = (template) => {
      const provider = policy.providers.get(template.provider);
      if (provider === undefined) return err({ path: "", message: "no provider" });
      if (provider.type === "oauth") {
        const options = parseOAuthOptions(provider.options);
        return options.ok ? parseOAuthScope(template.scope, options.value) : options;
      }
      const options = parseJwtOptions(provider.options);
      return options.ok ? parseJwtScope(template.scope, options.value) : options;
    };
    const bound = bindPolicy(policy, scopeOf);
    expect(bound.ok ? [] : bound.fault.map(formatFault)).toEqual([]);
    const templates = bound.ok ? [...bound.value.bound.values()] : [];
    expect(templates.map(({ scope, target }) => [target, scope.capabilities.revocation.kind])).toEqual([
      ["ledger-oauth", "immediate"],
      ["broker-jwt", "immediate"],
    ]);
  });
});
