/** Binding: what a template promises against what its provider can do, each refusal at its line, beside an acceptance. */
import { describe, expect, it } from "vitest";
import type { Capabilities } from "../../src/domain/capabilities.ts";
import { err } from "../../src/kernel/result.ts";
import { seconds } from "../../src/kernel/time.ts";
import { bindPolicy } from "../../src/policy/bind.ts";
import { formatFault } from "../../src/policy/parse/fault.ts";
import { bindWith, boundSample, parsedSample, sampleCapabilities, type Edit } from "../support/policy-sample.ts";

const template = (from: string, to: string): Edit => ({ file: "templates.yaml", from, to });
const guardrail = (to: string): Edit => ({ file: "guardrails.yaml", from: "  maxTtlSeconds: 600\n", to });
const can = (changes: Partial<Capabilities>): Capabilities => ({ ...sampleCapabilities, ...changes });
const chosen = (minSeconds: number, maxSeconds = 3600): Capabilities["ttl"] => ({
  kind: "chosen",
  minSeconds: seconds(minSeconds),
  maxSeconds: seconds(maxSeconds),
  granularitySeconds: seconds(1),
});
const serverDecides = (assumed: number): Capabilities["ttl"] => ({
  kind: "server-decides",
  assumedMaxSeconds: seconds(assumed),
});
const expiryOnly: Partial<Capabilities> = { revocation: { kind: "expiry-only" } };
const anyRevocation = template("  requires: { revocation: [immediate] }\n", "");
const early = template("  provider: ledger-db\n", "  provider: ledger-db\n  allowEarlyKill: true\n");
const optIn = template("  provider: ledger-db\n", "  provider: ledger-db\n  allowExpiryOnly: true\n");

interface Row {
  readonly name: string;
  readonly placeholders?: readonly string[];
  readonly capabilities?: Partial<Capabilities>;
  readonly edits?: readonly Edit[];
  readonly faults: readonly string[];
}

const rows: readonly Row[] = [
  { name: "the sample", faults: [] },
  {
    name: "an undeclared placeholder",
    placeholders: ["region"],
    faults: [
      "templates.yaml:18:10 spec.scope: uses the undeclared parameter region; declare region under spec.parameters",
    ],
  },
  { name: "a declared placeholder", placeholders: ["tenant", "rows"], faults: [] },
  {
    name: "a placeholder with an open alphabet",
    edits: [template("enum: [emea, apac]", "maxLength: 9")],
    faults: [
      "templates.yaml:16:13 spec.parameters.tenant: stands in the scope, but its alphabet is open; add enum or alphabet",
    ],
  },
  {
    name: "a placeholder with a closed alphabet",
    edits: [template("enum: [emea, apac]", "maxLength: 9, alphabet: a-z")],
    faults: [],
  },
  {
    name: "a placeholder that may be left out",
    edits: [template("enum: [emea, apac]", "enum: [emea, apac], required: false")],
    faults: [
      "templates.yaml:16:13 spec.parameters.tenant: stands in the scope, but may be left out; add a default, or remove required: false",
    ],
  },
  {
    name: "a placeholder with a default",
    edits: [template("enum: [emea, apac]", "enum: [emea, apac], default: emea")],
    faults: [],
  },
  {
    name: "a revocation that is not what the template requires",
    capabilities: { revocation: { kind: "eventual", settleSeconds: seconds(60) } },
    faults: [
      "templates.yaml:22:27 spec.requires.revocation: the provider's revocation is eventual; use another provider or scope, or relax the requirement",
    ],
  },
  {
    name: "a probe that is not what the template requires",
    capabilities: { probe: "none" },
    edits: [template("revocation: [immediate]", "probe: [data-plane, control-plane]")],
    faults: [
      "templates.yaml:22:22 spec.requires.probe: the provider's probe is none; use another provider or scope, or relax the requirement",
    ],
  },
  {
    name: "open sessions that a kill leaves",
    capabilities: { killsOpenSessions: false },
    edits: [template("revocation: [immediate]", "killsOpenSessions: true")],
    faults: [
      "templates.yaml:22:34 spec.requires.killsOpenSessions: revocation does not end open sessions; use another provider or scope, or relax the requirement",
    ],
  },
  {
    name: "open sessions that a kill ends",
    edits: [template("revocation: [immediate]", "killsOpenSessions: true")],
    faults: [],
  },
  {
    name: "a key that the credential cannot be bound to",
    edits: [template("revocation: [immediate]", "proofOfPossession: true")],
    faults: [
      "templates.yaml:22:34 spec.requires.proofOfPossession: the credential cannot be bound to a key; use another provider or scope, or relax the requirement",
    ],
  },
  {
    name: "a guardrail that the provider cannot meet",
    capabilities: { probe: "none" },
    edits: [guardrail("  requires: { probe: [data-plane] }\n")],
    faults: [
      "templates.yaml:10:13 spec.provider: guardrail short-secrets requires probe: the provider's probe is none; use another provider or scope, or narrow the guardrail",
    ],
  },
  {
    name: "a guardrail of other templates that the provider cannot meet",
    capabilities: { probe: "none" },
    edits: [
      guardrail("  requires: { probe: [data-plane] }\n"),
      { file: "guardrails.yaml", from: "[confidential, restricted]", to: "[restricted]" },
    ],
    faults: [],
  },
  {
    name: "credentials that only expire, without opt-in",
    capabilities: expiryOnly,
    edits: [anyRevocation],
    faults: [
      "templates.yaml:10:13 spec.provider: its credentials cannot be revoked, they only expire; accept that with allowExpiryOnly: true, or use another provider",
    ],
  },
  {
    name: "credentials that only expire, with opt-in",
    capabilities: expiryOnly,
    edits: [anyRevocation, optIn],
    faults: [],
  },
  {
    name: "credentials that only expire, for too long",
    capabilities: expiryOnly,
    edits: [anyRevocation, optIn, template("maxSeconds: 900", "maxSeconds: 901")],
    faults: [
      "templates.yaml:15:43 spec.ttl.maxSeconds: is over 900 s for credentials that cannot be revoked; use at most 900",
    ],
  },
  {
    name: "a provider minimum above the template's maximum",
    capabilities: { ttl: chosen(1000) },
    faults: [
      "templates.yaml:14:43 spec.ttl.maxSeconds: is below the 1000 s that the provider's credentials may live; use at least 1000, or set allowEarlyKill: true to kill them before",
    ],
  },
  {
    name: "a provider minimum above the template's default",
    capabilities: { ttl: chosen(301) },
    faults: [
      "templates.yaml:14:26 spec.ttl.defaultSeconds: is below the 301 s that the provider's credentials may live; use at least 301, or set allowEarlyKill: true to kill them before",
    ],
  },
  { name: "a provider minimum at the template's default", capabilities: { ttl: chosen(300) }, faults: [] },
  {
    name: "a provider minimum above, with early kill",
    capabilities: { ttl: chosen(1000) },
    edits: [early],
    faults: [],
  },
  {
    name: "a server that decides for longer",
    capabilities: { ttl: serverDecides(3600) },
    faults: [
      "templates.yaml:14:43 spec.ttl.maxSeconds: is below the 3600 s that the provider's credentials may live; use at least 3600, or set allowEarlyKill: true to kill them before",
    ],
  },
  {
    name: "a server that decides for longer, with early kill",
    capabilities: { ttl: serverDecides(3600) },
    edits: [early],
    faults: [],
  },
  {
    name: "a server that decides, with early kill of the parent",
    capabilities: { ttl: serverDecides(3600), revocation: { kind: "parent-kill" } },
    edits: [early, anyRevocation],
    faults: [],
  },
  {
    name: "early kill where the kill settles late",
    capabilities: { ttl: serverDecides(3600), revocation: { kind: "eventual", settleSeconds: seconds(9) } },
    edits: [early, anyRevocation],
    faults: [
      "templates.yaml:15:43 spec.ttl.maxSeconds: is below the 3600 s that the provider's credentials may live; use at least 3600",
    ],
  },
];

describe("bind: faults", () => {
  it.each(rows)("$name", async ({ placeholders = ["tenant"], capabilities = {}, edits = [], faults }) => {
    const { policy } = await parsedSample(...edits);
    const bound = bindPolicy(policy, bindWith({ placeholders, capabilities: can(capabilities) }));
    expect(bound.ok ? [] : bound.fault.map(formatFault)).toEqual(faults);
  });

  it("a scope that the provider refuses is told at its member", async () => {
    const { policy } = await parsedSample();
    const refusing = (path: string) => bindPolicy(policy, () => err({ path, message: "is not a role" }));
    const told = (path: string): string[] => {
      const bound = refusing(path);
      return bound.ok ? [] : bound.fault.map(formatFault);
    };
    const words = "is not a role; see the scope of this provider type";
    expect(told("roles.0")).toEqual([`templates.yaml:18:20 spec.scope.roles.0: ${words}`]);
    expect(told("rolls")).toEqual([`templates.yaml:18:3 spec.scope.rolls: ${words}`]);
    expect(told("")).toEqual([`templates.yaml:18:10 spec.scope: ${words}`]);
  });
});

describe("bind: targets and guardrails", () => {
  it("a target is the provider, or a system behind it", async () => {
    const target = async (system?: string) =>
      [...(await boundSample(system === undefined ? {} : { system })).bound.values()].map((bound) => bound.target);
    expect(await target()).toEqual(["ledger-db"]);
    expect(await target("replica")).toEqual(["ledger-db/replica"]);
  });

  it.each([
    ["sensitivities: [confidential]", 1],
    ["sensitivities: [restricted]", 0],
    ["actionClasses: [read], providers: [ledger-db]", 1],
    ["actionClasses: [write], providers: [ledger-db]", 0],
    ['templates: ["ledger-*"]', 1],
    ['templates: ["vault-*"]', 0],
    ["agents: [bot]", 1],
  ])("a guardrail that matches %s applies %i times", async (match, count) => {
    const bound = await boundSample(
      {},
      { file: "guardrails.yaml", from: "sensitivities: [confidential, restricted]", to: match },
    );
    expect([...bound.bound.values()].flatMap(({ guardrails }) => guardrails)).toHaveLength(count);
  });
});
