/** Options of the aws-sts provider: what each missing or wrong one is answered with. */
import { describe, expect, it } from "vitest";
import { parseAwsStsOptions } from "../../../providers/aws-sts/options.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";

const role = "arn:aws:iam::123456789012:role/jit/reports";
const keys = { accessKeyId: { env: "KEY" }, secretAccessKey: { env: "SECRET" } };
const good: JsonObject = { region: "eu-central-1", roles: [role], minter: keys, revoker: keys };
const policy = "arn:aws:iam::123456789012:policy/jit/overflow";
const parse = (change: JsonObject) => parseAwsStsOptions({ ...good, ...change });

describe("aws-sts options", () => {
  it("has careful defaults", () => {
    const parsed = parse({});
    expect(parsed.ok && parsed.value).toMatchObject({
      maxSessionSeconds: 3600,
      settleSeconds: 60,
      maxSessions: 200,
      overflow: "refuse",
      tags: false,
      probe: undefined,
    });
  });

  it.each<[string, JsonObject, object]>([
    [
      "eu-central-1",
      {},
      { sts: "https://sts.eu-central-1.amazonaws.com", iam: "https://iam.amazonaws.com", iamRegion: "us-east-1" },
    ],
    [
      "China",
      { region: "cn-north-1" },
      {
        sts: "https://sts.cn-north-1.amazonaws.com.cn",
        iam: "https://iam.cn-north-1.amazonaws.com.cn",
        iamRegion: "cn-north-1",
      },
    ],
    [
      "GovCloud",
      { region: "us-gov-east-1" },
      {
        sts: "https://sts.us-gov-east-1.amazonaws.com",
        iam: "https://iam.us-gov.amazonaws.com",
        iamRegion: "us-gov-west-1",
      },
    ],
    [
      "its own addresses",
      { region: "here", stsEndpoint: "https://sts.example", iamEndpoint: "https://iam.example" },
      { sts: "https://sts.example", iam: "https://iam.example", iamRegion: "here" },
    ],
  ])("asks where %s is", (_, change, endpoints) => {
    const parsed = parse(change);
    expect(parsed.ok && parsed.value.endpoints).toEqual(endpoints);
  });

  it("takes more sessions with an overflow policy, one for each role", () => {
    const two = parse({ roles: [role, `${role}-2`], overflowPolicy: `${policy}-{role}`, maxSessions: 600 });
    expect(two.ok && two.value).toMatchObject({ overflowPolicy: `${policy}-{role}`, maxSessions: 600 });
    expect(parse({ overflowPolicy: policy }).ok).toBe(true);
    expect(parse({ maxSessions: 600 }).ok).toBe(false);
  });

  it.each<[string, JsonObject, string]>([
    ["an unknown region", { region: "moon-1" }, "region"],
    ["a partition apart without addresses", { region: "us-iso-east-1" }, "region"],
    ["no roles", { roles: [] }, "roles"],
    ["a role that is no ARN", { roles: ["reports"] }, "roles.0"],
    ["a user", { roles: ["arn:aws:iam::123456789012:user/reports"] }, "roles.0"],
    ["a wildcard", { roles: ["arn:aws:iam::123456789012:role/*"] }, "roles.0"],
    ["a wildcard in the path", { roles: ["arn:aws:iam::123456789012:role/j*t/a"] }, "roles.0"],
    [
      "a service-linked role",
      { roles: ["arn:aws:iam::123456789012:role/aws-service-role/a.amazonaws.com/B"] },
      "roles.0",
    ],
    [
      "a role of Identity Center",
      { roles: ["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1"] },
      "roles.0",
    ],
    ["its name alone", { roles: ["arn:aws:iam::123456789012:role/AWSReservedSSO_Admin_1"] }, "roles.0"],
    ["two accounts", { roles: [role, "arn:aws:iam::210987654321:role/jit/other"] }, "roles"],
    ["one name on two paths", { roles: [role, "arn:aws:iam::123456789012:role/other/reports"] }, "roles"],
    ["no minter", { minter: null }, "minter"],
    ["half a key", { minter: { accessKeyId: { env: "KEY" } } }, "minter"],
    ["a key written out", { minter: { ...keys, secretAccessKey: "wJalr" } }, "minter.secretAccessKey"],
    ["two ways at once", { minter: { ...keys, brokerToken: true } }, "minter"],
    ["a token file without its role", { revoker: { tokenFile: "/token" } }, "revoker.role"],
    ["a revoker by token without its role", { revoker: { brokerToken: true } }, "revoker.role"],
    ["a minter by token with a role", { minter: { brokerToken: true, role } }, "minter.role"],
    ["an unknown member of a login", { minter: { ...keys, profile: "x" } }, "minter.profile"],
    [
      "long sessions from a minter that is a role itself",
      { minter: { role, tokenFile: "/token" }, maxSessionSeconds: 3_601 },
      "maxSessionSeconds",
    ],
    ["an external id that AWS does not take", { externalId: "a b" }, "externalId"],
    ["a session that is too long", { maxSessionSeconds: 43_201 }, "maxSessionSeconds"],
    ["more sessions than can be denied", { maxSessions: 10_000 }, "maxSessions"],
    ["an overflow policy that is no ARN", { overflowPolicy: "overflow" }, "overflowPolicy"],
    ["one of AWS's own", { overflowPolicy: "arn:aws:iam::aws:policy/AWSDenyAll" }, "overflowPolicy"],
    ["a role as one", { overflowPolicy: role }, "overflowPolicy"],
    ["a wildcard in one", { overflowPolicy: `${policy}-*` }, "overflowPolicy"],
    ["another placeholder in one", { overflowPolicy: `${policy}-{name}` }, "overflowPolicy"],
    ["one of another account", { overflowPolicy: policy.replace("1234", "4321") }, "overflowPolicy"],
    ["one for two roles", { roles: [role, `${role}-2`], overflowPolicy: policy }, "overflowPolicy"],
    ["more sessions than both can deny", { overflowPolicy: policy, maxSessions: 640 }, "maxSessions"],
    ["an unknown overflow", { overflow: "ignore" }, "overflow"],
    ["a probe without an object", { probe: { bucket: "reports" } }, "probe.key"],
    ["a probe that leaves its bucket", { probe: { bucket: "reports", key: "../other" } }, "probe.key"],
    ["an unknown option", { profile: "default" }, "profile"],
  ])("refuses %s", (_, change, path) => {
    const parsed = parse(change);
    expect(parsed.ok ? "accepted" : parsed.fault.path).toBe(path);
    expect(parsed.ok ? "" : parsed.fault.message).not.toContain("wJalr");
  });
});
