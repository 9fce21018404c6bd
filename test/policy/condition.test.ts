/** Conditions: what they can see, what errors mean, and which expressions are refused at load with their fix. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { epochMillis } from "../../src/kernel/time.ts";
import { viewOf, type ConditionFacts } from "../../src/policy/condition-view.ts";
import { conditionNames, type ConditionOutcome } from "../../src/policy/condition.ts";
import type { Parameter } from "../../src/policy/parameters.ts";

const tenant: Parameter = { kind: "enum", values: ["emea", "apac"], required: false, fallback: undefined };
const rows: Parameter = { kind: "integer", min: 1, max: 10, required: true, fallback: undefined };
const names = conditionNames(new Map(Object.entries({ tenant, rows })));

function facts(
  claims: JsonObject = {},
  context: JsonObject = {},
  parameters: JsonObject = { rows: 3 },
): ConditionFacts {
  return {
    identity: { issuer: "prod", subject: "system:bot", claims },
    agent: { name: "bot", businessApprover: "cfo", technicalCustodian: "payments" },
    task: { context, automatic: false, depth: 1, purpose: null, ticket: "CHG-1", opener: "planner" },
    parameters,
    request: {
      template: "t",
      provider: "p",
      actionClass: "read",
      sensitivity: "public",
      ttlSeconds: 300,
      proofOfPossession: false,
    },
    now: epochMillis(Date.parse("2026-03-02T12:00:00Z")),
  };
}

function evaluate(text: string, given: ConditionFacts): ConditionOutcome {
  const compiled = names.compile(text);
  if (!compiled.ok) throw new Error(compiled.fault.message);
  return compiled.value.evaluate(viewOf(given));
}

const world = facts(
  {
    groups: ["a", "b"],
    mixed: ["x", 1],
    big: 9_007_199_254_740_991,
    deep: { a: { b: true } },
    constructor: "c",
    nothing: null,
  },
  { environment: "prod", flag: true, fraction: 1.5 },
);

describe("condition: answers", () => {
  it.each([
    `task.context.environment == "prod"`,
    `task.context.flag`,
    `task.context.fraction > 1.0`,
    `"b" in identity.claims.groups`,
    `1 in identity.claims.mixed`,
    `identity.claims.groups.exists(g, g == "b")`,
    `identity.claims.groups.all(g, g in ["a", "b"])`,
    `identity.claims.big == 9007199254740991`,
    `identity.claims.big + 1 == 9007199254740992`,
    `identity.claims.deep.a.b`,
    `identity.claims.nothing == null`,
    `identity.claims.constructor == "c"`,
    `!has(identity.claims.toString)`,
    `!("valueOf" in identity.claims)`,
    `parameters.rows == 3 && !has(parameters.tenant)`,
    `request.ttlSeconds <= 300 && request.actionClass in ["read", "write"]`,
    `now < timestamp("2026-03-03T00:00:00Z") && now.getDayOfWeek() == 1`,
    `now.getHours("Europe/Berlin") == 13`,
    `task.ticket.startsWith("CHG-") && !has(task.purpose)`,
    `agent.name == "bot" && task.opener == "planner"`,
  ])("yes: %s", (text) => expect(evaluate(text, world)).toEqual({ kind: "yes" }));

  it.each([`task.context.environment == "Prod"`, `identity.subject.startsWith("bot")`, `has(task.purpose)`])(
    "no: %s",
    (text) => expect(evaluate(text, world)).toEqual({ kind: "no" }),
  );

  it.each([
    [`task.context.missing == "x"`, "no_such_key at `task.context.missing`"],
    [`task.context.environment`, "the answer is not true or false"],
    [`identity.claims.nothing.a`, "no_such_key at `identity.claims.nothing.a`"],
    [`identity.claims.toString == "x"`, "no_such_key at `identity.claims.toString`"],
    [`identity.claims.groups[7] == "x"`, "index_out_of_bounds at `identity.claims.groups[7]`"],
    [`parameters.tenant == "emea"`, "no_such_key at `parameters.tenant`"],
    [`identity.claims.groups > 1`, "no_such_overload at `identity.claims.groups > 1`"],
    [`1 / 0 == parameters.rows`, "division_by_zero at `1 / 0`"],
    [`int(identity.subject) == 1`, "int_conversion_error at `int(identity.subject)`"],
  ])("error: %s", (text, detail) => expect(evaluate(text, world)).toEqual({ kind: "error", detail }));

  it("an error leaves nothing behind for the next evaluation", () => {
    const compiled = names.compile(`identity.claims.groups.all(g, g.size() == 1)`);
    if (!compiled.ok) throw new Error(compiled.fault.message);
    expect(compiled.value.evaluate(viewOf(facts({ groups: ["a", 1] }))).kind).toBe("error");
    expect(compiled.value.evaluate(viewOf(facts({ groups: ["a", "b"] })))).toEqual({ kind: "yes" });
    expect(compiled.value.evaluate(viewOf(facts({ groups: ["aa"] })))).toEqual({ kind: "no" });
  });

  it("never repeats a value of the token", () => {
    const secret = "s3cr3t-canary";
    for (const text of [`int(identity.claims.x) == 1`, `identity.claims.x > 1`, `timestamp(identity.claims.x) < now`]) {
      expect(JSON.stringify(evaluate(text, facts({ x: secret })))).not.toContain(secret);
    }
  });
});

describe("condition: bounds", () => {
  it("claims that are too large fail every condition, also those that do not look at them", () => {
    const list = (length: number): JsonObject => ({ groups: Array.from({ length }, (_, index) => `g${index}`) });
    const nested = (depth: number): JsonObject => (depth === 0 ? {} : { a: nested(depth - 1) });
    const detail = "claims, context or parameters are too large";
    expect(evaluate("true", facts(list(256)))).toEqual({ kind: "yes" });
    expect(evaluate("true", facts(list(257)))).toEqual({ kind: "error", detail });
    expect(evaluate("true", facts({}, list(257)))).toEqual({ kind: "error", detail });
    expect(evaluate("true", facts(nested(8)))).toEqual({ kind: "yes" });
    expect(evaluate("true", facts(nested(9)))).toEqual({ kind: "error", detail });
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`k${index}`, Object.values(list(250))[0]]),
    );
    expect(evaluate("true", facts(many))).toEqual({ kind: "error", detail });
  });
});

describe("condition: refused at load", () => {
  const unknown = "use one of identity, agent, task, parameters, request, now; quote text";
  it.each<[text: string, message: string, fix: string]>([
    [
      `identity.subject.matches("(a+)+$")`,
      "the function matches is not available",
      "use startsWith, endsWith, ==, or `in [...]`; regular expressions are not supported",
    ],
    [
      `identity.subject.lowerAscii() == "k"`,
      "the function lowerAscii is not available",
      "compare with the exact text; letters of other scripts fold onto ASCII",
    ],
    [`cel.bind(x, 1, x == 1)`, "the function bind is not available", "write the expression out"],
    [
      `identity.claims.a.all(x, identity.claims.b.exists(y, x == y))`,
      "exists may not be nested in another list function",
      "write two conditions joined with &&, or use `in`",
    ],
    [`identity.claims.a.map(x, x) == []`, "the function map is not available", "use all, exists or exists_one"],
    [
      `identity.subject.startWith("a")`,
      "the function startWith is not available",
      "did you mean startsWith? available: all, exists, exists_one, size, startsWith, endsWith, contains, getFullYear, getMonth, getDate, getDayOfMonth, getDayOfWeek, getDayOfYear, getHours, getMinutes, getSeconds",
    ],
    [`environment == "prod"`, "Unknown variable: environment, at `environment`", unknown],
    [
      `__proto__ == 1`,
      "Reserved identifier: __proto__, at `__proto__`",
      "use one of identity, agent, task, parameters, request, now",
    ],
    [`constructor == 1`, "Unknown variable: constructor, at `constructor`", unknown],
    [
      `task.contxt.a == 1`,
      "task has no member contxt",
      "did you mean context? known here: context, automatic, depth, purpose, ticket, opener",
    ],
    [
      `has(task.contxt)`,
      "task has no member contxt",
      "did you mean context? known here: context, automatic, depth, purpose, ticket, opener",
    ],
    [`has(parameters.tenat)`, "parameters has no member tenat", "did you mean tenant? known here: tenant, rows"],
    [
      `parameters.rows == "3"`,
      'no such overload: int == string, at `parameters.rows == "3"`',
      "compare values of one type",
    ],
    [`request.ttlSeconds`, "the condition gives int, not true or false", "compare it with a value"],
    [`"prod"`, "the condition gives string, not true or false", "compare it with a value"],
    [
      `task.depth ==`,
      "Unexpected token: EOF",
      "see CEL's language definition; strings are quoted inside the expression",
    ],
    [``, "Unexpected token: EOF", "see CEL's language definition; strings are quoted inside the expression"],
    [`true ${"&& true ".repeat(260)}`, "the condition is longer than 2000 characters", "shorten it, or split it"],
  ])("%s", (text, message, fix) => expect(names.compile(text)).toEqual({ ok: false, fault: { message, fix } }));

  it("too many parts and too deep", () => {
    expect(names.compile(`true${"&&true".repeat(250)}`).ok).toBe(false);
    expect(names.compile(`${"(".repeat(60)}true${")".repeat(60)}`).ok).toBe(false);
    expect(names.compile(`true${"&&true".repeat(50)}`).ok).toBe(true);
  });

  it("a guardrail's condition may name any parameter", () => {
    const compiled = conditionNames(null).compile(`has(parameters.region) && parameters.region == "cn"`);
    if (!compiled.ok) throw new Error(compiled.fault.message);
    expect(compiled.value.evaluate(viewOf(facts({}, {}, { region: "cn" })))).toEqual({ kind: "yes" });
    expect(compiled.value.evaluate(viewOf(facts()))).toEqual({ kind: "no" });
  });
});
