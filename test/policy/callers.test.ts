/** Which profile an identity is, and what each role may: an identity that fits two profiles is nobody. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { findProfile, mayOpenFor } from "../../src/policy/callers.ts";
import type { AgentProfile, BoundPolicy } from "../../src/policy/resources.ts";
import { agentName, issuerName, templateName } from "../support/builders.ts";
import { boundSample, type Edit } from "../support/policy-sample.ts";

const agents = (from: string, to: string): Edit => ({ file: "agents.yaml", from, to });
const found = (policy: BoundPolicy, subject: string, claims: JsonObject = {}, issuer = "prod"): string | undefined =>
  findProfile(policy, { issuer: issuerName(issuer), subject, claims })?.name;

function profile(policy: BoundPolicy, name: string): AgentProfile {
  const one = policy.agents.get(agentName(name));
  if (one === undefined) throw new Error(`no profile ${name}`);
  return one;
}

describe("callers: find a profile", () => {
  it("by exact subject", async () => {
    const policy = await boundSample({});
    expect(found(policy, "system:serviceaccount:finance:bot")).toBe("bot");
    for (const subject of [
      "system:serviceaccount:finance:bots",
      "System:serviceaccount:finance:bot",
      "system:serviceaccount:finance:bot\n",
      "",
    ])
      expect(found(policy, subject)).toBeUndefined();
    expect(found(policy, "system:serviceaccount:finance:bot", {}, "other")).toBeUndefined();
  });

  it("by exact claims, the type included", async () => {
    const policy = await boundSample({});
    expect(found(policy, "planner", { environment: "prod" })).toBe("planner");
    for (const claims of [
      {},
      { environment: "Prod" },
      { environment: ["prod"] },
      { environment: null },
      { environment: 1 },
    ])
      expect(found(policy, "planner", claims)).toBeUndefined();
    const numbered = await boundSample({}, agents("environment: prod", "environment: 7"));
    expect(found(numbered, "planner", { environment: 7 })).toBe("planner");
    expect(found(numbered, "planner", { environment: "7" })).toBeUndefined();
    const inherited = await boundSample({}, agents("environment: prod", "constructor: x"));
    expect(found(inherited, "planner", {})).toBeUndefined();
  });

  it("by glob, one segment a star", async () => {
    const policy = await boundSample(
      {},
      agents('"system:serviceaccount:finance:bot"', '"system:serviceaccount:*:bot"'),
    );
    expect(found(policy, "system:serviceaccount:finance:bot")).toBe("bot");
    expect(found(policy, "system:serviceaccount:a:b:bot")).toBeUndefined();
  });

  it("two globs that both fit are nobody", async () => {
    const policy = await boundSample(
      {},
      agents("subject: desk", 'subject: "a-*"'),
      agents("subject: ledger-api", 'subject: "*-b"'),
    );
    expect(found(policy, "a-x")).toBe("desk");
    expect(found(policy, "x-b")).toBe("ledger-api");
    expect(found(policy, "a-b")).toBeUndefined();
  });
});

describe("callers: what roles may", () => {
  it("an orchestrator opens for named agents and templates only", async () => {
    const policy = await boundSample({});
    const may = (name: string, agent: string, templates: readonly string[]): boolean =>
      mayOpenFor(profile(policy, name), agentName(agent), templates.map(templateName));
    expect(may("planner", "bot", ["ledger-read"])).toBe(true);
    expect(may("planner", "bot", [])).toBe(true);
    expect(may("planner", "desk", ["ledger-read"])).toBe(false);
    expect(may("planner", "bot", ["ledger-read", "vault-read"])).toBe(false);
    expect(may("bot", "bot", ["ledger-read"])).toBe(false);
    expect(may("desk", "bot", ["ledger-read"])).toBe(false);
  });
});
