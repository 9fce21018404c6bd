/** Decisions: every reason to refuse beside what is granted, limits, evidence, and lifetimes that never exceed a bound. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Capabilities } from "../../src/domain/capabilities.ts";
import type { Task } from "../../src/domain/task.ts";
import { brand } from "../../src/kernel/brand.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { TaskId } from "../../src/kernel/ids.ts";
import { err } from "../../src/kernel/result.ts";
import { addSeconds, epochMillis, seconds } from "../../src/kernel/time.ts";
import { decideIssue, type IssueDecision, type IssueQuestion, type Refusal } from "../../src/policy/decide.ts";
import type { BoundPolicy } from "../../src/policy/resources.ts";
import { chooseTtl, type TtlBound } from "../../src/policy/ttl.ts";
import { agentName, fingerprintOf, issuerName, templateName } from "../support/builders.ts";
import { boundSample, sampleCapabilities, type Edit } from "../support/policy-sample.ts";

const now = epochMillis(Date.parse("2026-03-02T12:00:00Z"));
const template = (from: string, to: string): Edit => ({ file: "templates.yaml", from, to });
const guardrail = (from: string, to: string): Edit => ({ file: "guardrails.yaml", from, to });
const autoTask = template("  provider: ledger-db\n", "  provider: ledger-db\n  autoTask: true\n");
const always = template(`  when: 'task.context.environment == "prod"'\n`, "");

const task: Task = {
  id: brand<TaskId>("tsk_1"),
  agent: agentName("bot"),
  opener: { agent: agentName("planner"), issuer: issuerName("prod"), subject: "planner" },
  parentId: brand<TaskId>("tsk_0"),
  rootId: brand<TaskId>("tsk_0"),
  depth: 2,
  templates: [{ template: templateName("ledger-read"), parameters: {} }],
  context: { environment: "prod" },
  purpose: null,
  ticket: null,
  openedAt: now,
  deadlineAt: addSeconds(now, seconds(3600)),
  heartbeat: null,
  automatic: false,
  generation: 1,
  state: { kind: "open" },
};
const frozen = (parameters: JsonObject): Task => ({
  ...task,
  templates: [{ template: templateName("ledger-read"), parameters }],
});

function questionOf(policy: BoundPolicy, wish: Partial<IssueQuestion> = {}): IssueQuestion {
  const agent = policy.agents.get(agentName("bot"));
  const bound = policy.bound.get(templateName("ledger-read"));
  if (agent === undefined || bound === undefined) throw new Error("the sample lacks bot or ledger-read");
  return {
    policy,
    identity: {
      issuer: issuerName("prod"),
      issuerUrl: "https://oidc.prod.example",
      subject: "system:serviceaccount:finance:bot",
      claims: { region: "eu" },
      kind: "jwt",
      digest: fingerprintOf("attestation"),
      expiresAt: addSeconds(now, seconds(3000)),
      replay: { mode: "reusable" },
    },
    agent,
    template: bound,
    task,
    parameters: { tenant: "emea" },
    requestedTtlSeconds: null,
    proofOfPossession: false,
    now,
    ...wish,
  };
}

async function decide(wish: Partial<IssueQuestion>, ...edits: readonly Edit[]): Promise<IssueDecision | Refusal> {
  const decided = decideIssue(questionOf(await boundSample({}, ...edits), wish));
  return decided.ok ? decided.value : decided.fault;
}

describe("decide: grants", () => {
  it("what was asked, with defaults, limits and evidence", async () => {
    const policy = await boundSample({});
    expect(decideIssue(questionOf(policy))).toEqual({
      ok: true,
      value: {
        parameters: { tenant: "emea", rows: 100 },
        scope: { parameters: { tenant: "emea", rows: 100 } },
        ttlSeconds: 300,
        ttlBound: "template_default",
        limits: [
          { limit: "liveLeasesPerTask", counter: "task:tsk_1:template:ledger-read", max: 4 },
          { limit: "mintsPerMinutePerAgent", counter: "mints:agent:bot:template:ledger-read", max: 60, perSeconds: 60 },
          { limit: "guardrail:short-secrets:liveLeases", counter: "guardrail:short-secrets", max: 100 },
        ],
        evidence: {
          policy: policy.digest,
          template: "ledger-read",
          provider: "ledger-db",
          action_class: "read",
          attestation: {
            digest: "attestation________________________________",
            issuer: "prod",
            issuer_url: "https://oidc.prod.example",
            kind: "jwt",
            subject: "system:serviceaccount:finance:bot",
          },
          sensitivity: "confidential",
          parameters: { tenant: "emea", rows: 100 },
          guardrails: ["short-secrets"],
          ttl_seconds: 300,
          ttl_bound: "template_default",
          ttl_bounds: {
            template_default: 300,
            template_max: 900,
            "guardrail:short-secrets": 600,
            task_deadline: 3600,
            attestation: 3000,
            provider_max: 3600,
          },
        },
      },
    });
  });

  it("a task of its own, where the template allows it: counted against the agent", async () => {
    const granted = await decide({ task: null }, autoTask, always);
    expect(granted).toMatchObject({
      limits: [
        { limit: "mintsPerMinutePerAgent" },
        { limit: "guardrail:short-secrets:liveLeases" },
        { limit: "autoTasks", counter: "agent:bot:auto", max: 10 },
      ],
    });
  });

  it("every limit names what it counts", async () => {
    const all =
      "limits: { liveLeasesPerTask: 1, liveLeasesPerTree: 2, liveLeasesPerAgent: 3, liveLeases: 4, mintsPerMinutePerAgent: 5, mintsPerMinute: 6 }";
    const granted = await decide(
      {},
      template("limits: { liveLeasesPerTask: 4, mintsPerMinutePerAgent: 60 }", all),
      guardrail("limits: { liveLeases: 100 }", all),
    );
    expect(
      "limits" in granted ? granted.limits.map((limit) => `${limit.limit} ${limit.counter} ${limit.max}`) : granted,
    ).toEqual([
      "liveLeasesPerTask task:tsk_1:template:ledger-read 1",
      "liveLeasesPerTree tree:tsk_0:template:ledger-read 2",
      "liveLeasesPerAgent agent:bot:template:ledger-read 3",
      "liveLeases template:ledger-read 4",
      "mintsPerMinutePerAgent mints:agent:bot:template:ledger-read 5",
      "mintsPerMinute mints:template:ledger-read 6",
      "guardrail:short-secrets:liveLeasesPerTask task:tsk_1:guardrail:short-secrets 1",
      "guardrail:short-secrets:liveLeasesPerTree tree:tsk_0:guardrail:short-secrets 2",
      "guardrail:short-secrets:liveLeasesPerAgent agent:bot:guardrail:short-secrets 3",
      "guardrail:short-secrets:liveLeases guardrail:short-secrets 4",
      "guardrail:short-secrets:mintsPerMinutePerAgent mints:agent:bot:guardrail:short-secrets 5",
      "guardrail:short-secrets:mintsPerMinute mints:guardrail:short-secrets 6",
    ]);
  });
});

describe("decide: lifetimes", () => {
  it.each<[string, Partial<IssueQuestion>, readonly Edit[], number, string]>([
    ["asked for less", { requestedTtlSeconds: seconds(299) }, [], 299, "requested"],
    ["asked for more than the guardrail", { requestedTtlSeconds: seconds(5000) }, [], 600, "guardrail:short-secrets"],
    [
      "asked for more than the template",
      { requestedTtlSeconds: seconds(5000) },
      [guardrail("maxTtlSeconds: 600", "maxTtlSeconds: 9000")],
      900,
      "template_max",
    ],
    ["near the deadline", { task: { ...task, deadlineAt: epochMillis(now + 100_999) } }, [], 100, "task_deadline"],
  ])("%s", async (_, wish, edits, ttlSeconds, ttlBound) =>
    expect(await decide(wish, ...edits)).toMatchObject({ ttlSeconds, ttlBound }),
  );

  it("near the attestation's end", async () => {
    const { identity } = questionOf(await boundSample({}));
    expect(await decide({ identity: { ...identity, expiresAt: epochMillis(now + 9999) } })).toMatchObject({
      ttlSeconds: 9,
      ttlBound: "attestation",
    });
    expect(await decide({ identity: { ...identity, expiresAt: epochMillis(now + 999) } })).toEqual({
      error: "access_denied",
      reason: "ttl_not_possible",
      detail: "attestation leaves no time",
    });
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a requested lifetime of %d", async (asked) =>
    expect(await decide({ requestedTtlSeconds: seconds(asked) })).toEqual({
      error: "invalid_request",
      reason: "requested_ttl",
      detail: "requested_ttl must be a positive whole number",
    }),
  );
});

describe("decide: refusals", () => {
  it.each<[string, Partial<IssueQuestion>, readonly Edit[], string, string]>([
    [
      "an agent that the template does not name",
      {},
      [template("agents: [bot]", 'agents: ["x*"]')],
      "agent_not_in_template",
      "template ledger-read does not name agent bot",
    ],
    [
      "no task where one is needed",
      { task: null },
      [always],
      "auto_task_not_allowed",
      "template ledger-read needs a task_id (autoTask is off)",
    ],
    [
      "a task of another agent",
      { task: { ...task, agent: agentName("else") } },
      [],
      "template_not_in_task",
      "task tsk_1 was not opened for template ledger-read",
    ],
    [
      "a task of other templates",
      { task: { ...task, templates: [] } },
      [],
      "template_not_in_task",
      "task tsk_1 was not opened for template ledger-read",
    ],
    [
      "when is false",
      { task: { ...task, context: { environment: "test" } } },
      [],
      "when",
      'when is false: task.context.environment == "prod"',
    ],
    [
      "when fails",
      { task: { ...task, context: {} } },
      [],
      "when",
      'when failed (no_such_key at `task.context.environment`): task.context.environment == "prod"',
    ],
    [
      "an automatic task has an empty context",
      { task: null },
      [autoTask],
      "when",
      'when failed (no_such_key at `task.context.environment`): task.context.environment == "prod"',
    ],
    [
      "denyWhen is true",
      { task: { ...task, context: { environment: "prod", frozen: true } } },
      [],
      "deny_when",
      "denyWhen is true: has(task.context.frozen) && task.context.frozen",
    ],
    [
      "denyWhen fails",
      { task: { ...task, context: { environment: "prod", frozen: 1 } } },
      [],
      "deny_when",
      "denyWhen failed (invalid_logical_operand at `has(task.context.frozen)`): has(task.context.frozen) && task.context.frozen",
    ],
    [
      "a guardrail denies",
      {},
      [guardrail("  maxTtlSeconds: 600\n", "  deny: true\n")],
      "guardrail",
      "guardrail short-secrets denies",
    ],
    [
      "a guardrail denies this agent",
      {},
      [
        guardrail("  maxTtlSeconds: 600\n", "  deny: true\n"),
        guardrail("sensitivities: [confidential, restricted]", "agents: [bot]"),
      ],
      "guardrail",
      "guardrail short-secrets denies",
    ],
    [
      "a guardrail's condition is true",
      {},
      [guardrail("  maxTtlSeconds: 600\n", `  denyWhen: 'identity.claims.region == "eu"'\n`)],
      "guardrail",
      'guardrail short-secrets: denyWhen is true: identity.claims.region == "eu"',
    ],
    [
      "a guardrail's condition fails",
      {},
      [guardrail("  maxTtlSeconds: 600\n", `  denyWhen: 'identity.claims.zone == "eu"'\n`)],
      "guardrail",
      'guardrail short-secrets: denyWhen failed (no_such_key at `identity.claims.zone`): identity.claims.zone == "eu"',
    ],
    [
      "a guardrail beats a template that says yes",
      {},
      [guardrail("  maxTtlSeconds: 600\n", "  denyWhen: 'true'\n")],
      "guardrail",
      "guardrail short-secrets: denyWhen is true: true",
    ],
    [
      "a guardrail of one agent requires more",
      {},
      [
        guardrail("  maxTtlSeconds: 600\n", "  requires: { proofOfPossession: true }\n"),
        guardrail("sensitivities: [confidential, restricted]", "agents: [bot]"),
      ],
      "requires",
      "guardrail short-secrets: the credential cannot be bound to a key",
    ],
  ])("%s", async (_, wish, edits, reason, detail) =>
    expect(await decide(wish, ...edits)).toEqual({ error: "access_denied", reason, detail }),
  );

  it.each<[string, Partial<IssueQuestion>, readonly Edit[]]>([
    ["a glob that names the agent", {}, [template("agents: [bot]", 'agents: ["b*"]')]],
    [
      "a guardrail of another agent",
      {},
      [
        guardrail("  maxTtlSeconds: 600\n", "  deny: true\n"),
        guardrail("sensitivities: [confidential, restricted]", "agents: [desk]"),
      ],
    ],
    [
      "a guardrail's condition is false",
      {},
      [guardrail("  maxTtlSeconds: 600\n", `  denyWhen: 'identity.claims.region == "cn"'\n`)],
    ],
    ["denyWhen is false", { task: { ...task, context: { environment: "prod", frozen: false } } }, []],
  ])("grants beside: %s", async (_, wish, edits) =>
    expect(await decide(wish, ...edits)).toMatchObject({ ttlSeconds: 300 }),
  );

  it.each<[string, Partial<IssueQuestion>, string, string]>([
    ["a missing parameter", { parameters: {} }, "parameters", "parameter tenant is required"],
    [
      "a value outside the enum",
      { parameters: { tenant: "latam" } },
      "parameters",
      "parameter tenant must be one of emea, apac",
    ],
    [
      "an unknown parameter",
      { parameters: { tenant: "emea", canary: "x" } },
      "parameters",
      "the request names a parameter that the template does not declare",
    ],
    [
      "another value than the task's",
      { task: frozen({ tenant: "apac" }) },
      "parameters_differ_from_task",
      "the task fixes tenant to another value",
    ],
    [
      "null against the task's",
      { task: frozen({ tenant: "apac" }), parameters: { tenant: null } },
      "parameters_differ_from_task",
      "the task fixes tenant to another value",
    ],
  ])("refuses %s", async (_, wish, reason, detail) =>
    expect(await decide(wish)).toEqual({ error: "invalid_authorization_details", reason, detail }),
  );

  it("takes the task's parameters where they are repeated or left out", async () => {
    const parameters = { tenant: "apac", rows: 7 };
    expect(await decide({ task: frozen(parameters), parameters: {} })).toMatchObject({ parameters });
    expect(await decide({ task: frozen(parameters), parameters: { tenant: "apac" } })).toMatchObject({ parameters });
  });

  it("proof of possession, where required", async () => {
    const capabilities = { ...sampleCapabilities, bindsToKey: true };
    const policy = await boundSample({ capabilities }, template("revocation: [immediate]", "proofOfPossession: true"));
    expect(decideIssue(questionOf(policy))).toEqual({
      ok: false,
      fault: { error: "access_denied", reason: "requires", detail: "no proof of possession was given" },
    });
    expect(decideIssue(questionOf(policy, { proofOfPossession: true })).ok).toBe(true);
  });

  it("a scope that cannot be filled", async () => {
    const policy = await boundSample({ fill: () => err({ path: "roles.0", message: "with a value in it" }) });
    expect(decideIssue(questionOf(policy))).toEqual({
      ok: false,
      fault: {
        error: "invalid_authorization_details",
        reason: "scope",
        detail: "the provider refuses the scope at roles.0",
      },
    });
  });
});

describe("decide: time to live as a property", () => {
  const bound = fc.record({ name: fc.constantFrom("a", "b", "c", "d"), seconds: fc.integer({ min: -10, max: 5000 }) });
  const ttl = fc.oneof(
    fc
      .tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 60 }))
      .map(([min, step]): Capabilities["ttl"] => ({
        kind: "chosen",
        minSeconds: seconds(min),
        maxSeconds: seconds(9999),
        granularitySeconds: seconds(step),
      })),
    fc
      .integer({ min: 1, max: 4000 })
      .map((most): Capabilities["ttl"] => ({ kind: "server-decides", assumedMaxSeconds: seconds(most) })),
  );
  const revocation = fc.constantFrom<Capabilities["revocation"]>(
    { kind: "immediate" },
    { kind: "parent-kill" },
    { kind: "expiry-only" },
    { kind: "eventual", settleSeconds: seconds(60) },
  );

  it("never exceeds a bound, names the least, keeps the provider's minimum unless an early kill is allowed", () => {
    const property = fc.property(
      bound,
      fc.array(bound, { maxLength: 5 }),
      ttl,
      revocation,
      fc.boolean(),
      (first, others, life, kill, allowEarlyKill) => {
        const bounds: [TtlBound, ...TtlBound[]] = [first, ...others];
        const capabilities = { ...sampleCapabilities, ttl: life, revocation: kill };
        const chosen = chooseTtl(bounds, { capabilities, allowEarlyKill });
        const least = Math.min(...bounds.map((one) => one.seconds));
        const shortest = life.kind === "chosen" ? life.minSeconds : life.assumedMaxSeconds;
        const mayKillEarly = allowEarlyKill && (kill.kind === "immediate" || kill.kind === "parent-kill");
        if (!chosen.ok)
          return (
            least < 1 || (!mayKillEarly && least < shortest + (life.kind === "chosen" ? life.granularitySeconds : 1))
          );
        const { ttlSeconds, bound: winner } = chosen.value;
        const isLeast = bounds.some((one) => one.name === winner && one.seconds === least);
        return (
          Number.isInteger(ttlSeconds) &&
          ttlSeconds >= 1 &&
          ttlSeconds <= least &&
          isLeast &&
          (mayKillEarly || ttlSeconds >= shortest)
        );
      },
    );
    expect(() => fc.assert(property, { numRuns: 5000 })).not.toThrow();
  });

  it("a decision never outlives task, attestation, template, guardrail or wish", async () => {
    const policy = await boundSample({});
    const { identity } = questionOf(policy);
    const span = fc.integer({ min: -5, max: 2000 });
    const property = fc.property(
      span,
      span,
      fc.option(fc.integer({ min: 1, max: 2000 })),
      (deadline, expiry, asked) => {
        const decided = decideIssue(
          questionOf(policy, {
            task: { ...task, deadlineAt: addSeconds(now, seconds(deadline)) },
            identity: { ...identity, expiresAt: addSeconds(now, seconds(expiry)) },
            requestedTtlSeconds: asked === null ? null : seconds(asked),
          }),
        );
        const least = Math.min(asked ?? 300, 900, 600, deadline, expiry);
        return decided.ok ? decided.value.ttlSeconds === least : least < 1;
      },
    );
    expect(() => fc.assert(property, { numRuns: 1000 })).not.toThrow();
  });

  it("an ever narrower question never gets more", async () => {
    const policy = await boundSample({});
    const lifeOf = (asked: number, deadline: number): number => {
      const wish = {
        requestedTtlSeconds: seconds(asked),
        task: { ...task, deadlineAt: addSeconds(now, seconds(deadline)) },
      };
      const decided = decideIssue(questionOf(policy, wish));
      return decided.ok ? decided.value.ttlSeconds : 0;
    };
    const span = fc.integer({ min: 1, max: 2000 });
    const property = fc.property(
      span,
      span,
      fc.nat({ max: 500 }),
      fc.nat({ max: 500 }),
      (asked, deadline, less, sooner) =>
        lifeOf(Math.max(1, asked - less), deadline - sooner) <= lifeOf(asked, deadline),
    );
    expect(() => fc.assert(property, { numRuns: 1000 })).not.toThrow();
  });
});

describe("decide: cost", () => {
  it("is the same with a thousand templates as with one", async () => {
    const more = Array.from(
      { length: 1000 },
      (_, index) =>
        `---\napiVersion: mayfly.dev/v1\nkind: CredentialTemplate\nmetadata: { name: t${index} }\nspec: { provider: ledger-db, agents: [bot], actionClass: read, sensitivity: public, ttl: { defaultSeconds: 60, maxSeconds: 60 }, scope: {} }\n`,
    ).join("");
    const few = questionOf(await boundSample({ placeholders: [] }));
    const many = questionOf(await boundSample({ placeholders: [] }, template("", more)));
    const rounds = 2000;
    // Of this process's own work, and in turns: what else the machine does meanwhile costs neither or both.
    const microsOf = (question: IssueQuestion): number => {
      const start = process.cpuUsage();
      for (let round = 0; round < rounds; round += 1) decideIssue(question);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / rounds;
    };
    const turns = Array.from({ length: 6 }, () => ({ few: microsOf(few), many: microsOf(many) }));
    const least = (of: "few" | "many"): number => Math.min(...turns.map((turn) => turn[of]));
    expect(least("many")).toBeLessThan(least("few") * 3 + 5);
    expect(many.policy.bound.size).toBe(1001);
  });
});
