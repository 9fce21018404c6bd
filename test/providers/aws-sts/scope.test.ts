/** Scopes of aws-sts templates: what is refused at load, and that no parameter can widen a policy. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAwsStsOptions, type AwsStsOptions } from "../../../providers/aws-sts/options.ts";
import { parseAwsStsScope } from "../../../providers/aws-sts/scope.ts";
import { isSessionName, sessionNameOf } from "../../../providers/aws-sts/session-name.ts";
import { deadlineOf, sessionPolicy } from "../../../providers/aws-sts/session-policy.ts";
import type { Json, JsonObject } from "../../../src/kernel/canonical-json.ts";
import { epochMillis } from "../../../src/kernel/time.ts";
import { createBuilders } from "../../support/builders.ts";
import { startOfTests } from "../../support/provider-requests.ts";
import { realClock } from "../../support/real-clock.ts";

const role = "arn:aws:iam::123456789012:role/jit/reports";
const options = ((): AwsStsOptions => {
  const login = { brokerToken: true };
  const parsed = parseAwsStsOptions({
    region: "eu-central-1",
    roles: [role],
    minter: login,
    revoker: { ...login, role: "arn:aws:iam::123456789012:role/revoker" },
  });
  if (!parsed.ok) throw new Error(`${parsed.fault.path} ${parsed.fault.message}`);
  return parsed.value;
})();

const read = { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::reports/${parameters.region}/*"] };
const listed = {
  actions: ["s3:ListBucket"],
  resources: ["arn:aws:s3:::reports"],
  conditions: { StringLike: { "s3:prefix": ["${parameters.region}/*"] } },
};
const parse = (scope: JsonObject) => parseAwsStsScope(scope, options);
const withStatement = (change: JsonObject): JsonObject => ({ role, statements: [{ ...read, ...change }] });

function policyFor(region: Json): JsonObject | undefined {
  const template = parse({ role, statements: [read, listed] });
  if (!template.ok) throw new Error(template.fault.message);
  const filled = template.value.fill({ region });
  if (!filled.ok) return undefined;
  return JSON.parse(sessionPolicy(filled.value.statements, deadlineOf(startOfTests))) as JsonObject;
}

describe("aws-sts scope", () => {
  it("makes a policy of its statements, each with the deadline", () => {
    const deadline = { "aws:CurrentTime": "2026-11-22T10:00:00Z" };
    expect(policyFor("emea")).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["s3:GetObject"],
          Resource: ["arn:aws:s3:::reports/emea/*"],
          Condition: { DateLessThan: deadline },
        },
        {
          Effect: "Allow",
          Action: ["s3:ListBucket"],
          Resource: ["arn:aws:s3:::reports"],
          Condition: { StringLike: { "s3:prefix": ["emea/*"] }, DateLessThan: deadline },
        },
      ],
    });
  });

  it("tells its placeholders, its room and its system", () => {
    const template = parse({ role, statements: [read, listed] });
    expect(template.ok && template.value).toMatchObject({ placeholders: ["region"], system: "reports", capacity: 200 });
    expect(template.ok && template.value.capabilities.revocation).toEqual({ kind: "eventual", settleSeconds: 60 });
  });

  it.each<[string, JsonObject, string]>([
    ["a role that the provider has not", { role: `${role}2`, statements: [read] }, "role"],
    ["no role", { statements: [read] }, "role"],
    ["no statements", { role }, "statements"],
    ["an empty list of statements", { role, statements: [] }, "statements"],
    ["a statement that is a text", { role, statements: ["s3:*"] }, "statements.0"],
    ["an unknown member", { role, statements: [read], boundary: "x" }, "boundary"],
    ["an unknown member of a statement", withStatement({ effect: "Allow" }), "statements.0.effect"],
    ["no actions", withStatement({ actions: [] }), "statements.0.actions"],
    ["every action of every service", withStatement({ actions: ["*"] }), "statements.0.actions.0"],
    ["a wildcard for the service", withStatement({ actions: ["s*:GetObject"] }), "statements.0.actions.0"],
    ["assuming another role", withStatement({ actions: ["sts:AssumeRole"] }), "statements.0.actions.0"],
    ["all of sts", withStatement({ actions: ["sts:*"] }), "statements.0.actions.0"],
    ["making keys", withStatement({ actions: ["iam:CreateAccessKey"] }), "statements.0.actions.0"],
    ["passing roles", withStatement({ actions: ["iam:PassRole"] }), "statements.0.actions.0"],
    ["iam by a wildcard", withStatement({ actions: ["iam:*"] }), "statements.0.actions.0"],
    ["iam by a wildcard in the word", withStatement({ actions: ["iam:?ut*"] }), "statements.0.actions.0"],
    ["a placeholder in an action", withStatement({ actions: ["s3:${parameters.region}"] }), "statements.0.actions.0"],
    ["a resource that is no ARN", withStatement({ resources: ["reports/*"] }), "statements.0.resources.0"],
    [
      "a value next to a wildcard",
      withStatement({ resources: ["arn:aws:s3:::reports/${parameters.region}*"] }),
      "statements.0.resources.0",
    ],
    [
      "a wildcard next to a value",
      withStatement({ resources: ["arn:aws:s3:::*${parameters.region}/a"] }),
      "statements.0.resources.0",
    ],
    [
      "a variable of IAM",
      withStatement({ resources: ["arn:aws:s3:::reports/${aws:username}/*"] }),
      "statements.0.resources.0",
    ],
    [
      "a deadline of its own",
      withStatement({ conditions: { DateLessThan: { "aws:CurrentTime": "2099-01-01T00:00:00Z" } } }),
      "statements.0.conditions.DateLessThan",
    ],
    [
      "an operator for sets",
      withStatement({ conditions: { "ForAllValues:StringLike": { "s3:prefix": ["a"] } } }),
      "statements.0.conditions.ForAllValues:StringLike",
    ],
    [
      "a condition without values",
      withStatement({ conditions: { StringLike: { "s3:prefix": [] } } }),
      "statements.0.conditions.StringLike.s3:prefix",
    ],
    [
      "a session policy that AWS does not take",
      withStatement({
        resources: Array.from({ length: 40 }, (_, index) => `arn:aws:s3:::${"b".repeat(50)}${index}/*`),
      }),
      "statements",
    ],
  ])("refuses %s", (_, scope, path) => {
    const parsed = parse(scope);
    expect(parsed.ok ? "accepted" : parsed.fault.path).toBe(path);
  });

  it("accepts what its neighbours refuse", () => {
    for (const actions of [["s3:*"], ["iam:ListRoles"], ["sts:GetCallerIdentity"]])
      expect(parse(withStatement({ actions })).ok).toBe(true);
  });

  it("refuses a value that makes the policy too long, before anything is minted", () => {
    const resources = Array.from({ length: 14 }, (_, index) => `arn:aws:s3:::reports/\${parameters.region}/${index}`);
    const template = parse(withStatement({ resources }));
    expect(template.ok && template.value.fill({ region: "emea" }).ok).toBe(true);
    expect(template.ok && template.value.fill({ region: "e".repeat(128) }).ok).toBe(false);
  });
});

const nasty = [
  "*",
  "?",
  "${aws:username}",
  'a"],"Action":"*',
  "a/b",
  "a:b",
  "..",
  "",
  "a b",
  "a*",
  "é",
  "a\nb",
  ".a",
  "a..b",
];

describe("aws-sts scope: no value widens a policy", () => {
  const shape = JSON.stringify(policyFor("VALUE"));

  it("any text is refused, or stands alone in its place", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.constantFrom(...nasty)), (value) => {
        const policy = policyFor(value);
        if (policy === undefined) return;
        expect(value).toMatch(/^[A-Za-z0-9_@=+.-]+$/);
        expect(JSON.stringify(policy)).toBe(shape.replaceAll("VALUE", () => value));
      }),
    );
  });

  it.each(nasty)("refuses %j", (value) => expect(policyFor(value)).toBeUndefined());
  it.each([
    ["a list", ["emea"]],
    ["an object", {}],
    ["nothing", null],
    ["a fraction", 1.5],
  ])("refuses %s", (_, value) => expect(policyFor(value)).toBeUndefined());
  it.each(["emea", "a.b-c_d", "x@y", "7"])("accepts %s", (value) => expect(policyFor(value)).toBeDefined());
});

describe("aws-sts session names", () => {
  it("are of the form that a trust policy can demand, and differ for each lease", () => {
    const { ids } = createBuilders({ clock: realClock, seed: 11 });
    const made = Array.from({ length: 5_000 }, () => sessionNameOf(ids.lease()));
    expect(made.every(isSessionName)).toBe(true);
    expect(new Set(made).size).toBe(made.length);
  });

  it.each(["jit-", "jit-0123456789abcde", "jit-0123456789abcdef*", "jit-0123456789abcdEf", "JIT-0123456789abcdef", 7])(
    "are not %j",
    (name) => expect(isSessionName(name)).toBe(false),
  );

  it("rounds a deadline down to the second", () => {
    expect(deadlineOf(epochMillis(startOfTests + 999))).toBe(startOfTests);
  });
});
