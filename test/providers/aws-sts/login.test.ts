/** Whom the broker is to AWS: a platform's token that rotates, roles that ask for roles, and roles that are not there. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { secretResolver } from "../../../src/entry/resolve-secret.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { epochMillis } from "../../../src/kernel/time.ts";
import type { ProviderTools } from "../../../src/ports/provider.ts";
import { startAwsStage, type AwsStage, type LiveSession } from "../../support/aws-sts-stage.ts";
import { roleArn, startScriptedIam, type ScriptedIam } from "../../support/scripted-iam.ts";

let world: ScriptedIam;
const stages: AwsStage[] = [];
let roles = 0;
beforeAll(async () => {
  world = await startScriptedIam();
});
beforeEach(() => {
  world.proxy.heal();
  world.tokens = null;
  world.skew = 0;
  world.callerArn = "arn:aws:iam::123456789012:user/broker";
});
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.close();
});
afterAll(() => world?.close());

async function stageWith(options: JsonObject = {}, tools: Partial<ProviderTools> = {}): Promise<AwsStage> {
  const stage = await startAwsStage(world, `role-${(roles += 1)}`, { options, tools });
  stages.push(stage);
  return stage;
}
const seenSince = (start: number) => world.proxy.seen.slice(start);
const forms = (start: number, path: string) =>
  seenSince(start)
    .filter((request) => request.path === path)
    .map(({ body, headers }) => ({ ...Object.fromEntries(new URLSearchParams(body)), signed: headers.authorization }));

describe("aws-sts login by a token file", () => {
  let folder: string;
  let file: string;
  const writer = roleArn("policy-writer");
  const login = () => ({ role: writer, tokenFile: file });
  const resolveSecret = secretResolver({ ID: "AKIDEXAMPLE", SECRET: "s3cret" });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "mayfly-token-"));
    file = join(folder, "token");
    writeFileSync(file, "first.token\n");
    await world.makeRole("policy-writer");
    world.tokens = new Set(["first.token"]);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("exchanges the token unsigned, once, and signs with the session that it got", async () => {
    const stage = await stageWith({ minter: login(), revoker: login() }, { resolveSecret });
    const start = world.proxy.seen.length;
    await stage.kill(await stage.live());
    const exchanges = forms(start, "/AssumeRoleWithWebIdentity");
    expect(exchanges, "one for each login").toHaveLength(2);
    expect(exchanges[0]).toMatchObject({ RoleArn: writer, WebIdentityToken: "first.token", RoleSessionName: "mayfly" });
    expect(exchanges[0]?.signed).toBe(undefined);
    expect(exchanges[0]).not.toHaveProperty("Policy");
    const rest = seenSince(start).filter(({ path }) => path !== "/AssumeRoleWithWebIdentity");
    expect(rest.map(({ path }) => path)).toEqual(expect.arrayContaining(["/AssumeRole", "/PutRolePolicy"]));
    for (const { headers } of rest) {
      expect(headers["x-amz-security-token"]).toMatch(/^token-/);
      expect(headers.authorization).toContain("Credential=ASIAEXAMPLE/");
    }
  });

  it("takes the token of the day where it is made anew, as it is when the file changes", async () => {
    const before = await stageWith({ revoker: login() }, { resolveSecret });
    await before.kill(await before.live());
    writeFileSync(file, "second.token\n");
    world.tokens = new Set(["second.token"]);
    const start = world.proxy.seen.length;
    const after = await stageWith({ revoker: login() }, { resolveSecret });
    expect((await after.kill(await after.live())).kind).toBe("dead-unverified");
    expect(forms(start, "/AssumeRoleWithWebIdentity")).toMatchObject([{ WebIdentityToken: "second.token" }]);
  });

  it("renews its session before that ends, and tries again while AWS takes the token for stale", async () => {
    // In the past, because the SDK, which goes by the machine's clock, believes a credential for half a minute.
    let behind = 7_200_000;
    const now = () => epochMillis(Date.now() - behind);
    world.skew = -behind;
    const stage = await stageWith({ revoker: login() }, { resolveSecret, now });
    const live = async (): Promise<LiveSession> => {
      const session = await stage.live();
      return { ...session, lease: { ...session.lease, nativeExpiresAt: epochMillis(Date.now() + 900_000) } };
    };
    const [first, second, third] = [await live(), await live(), await live()];
    await stage.kill(first);
    world.tokens = new Set();
    expect((await stage.kill(second)).kind).toBe("dead-unverified");
    behind -= 3_305_000;
    world.skew = -behind;
    expect(await stage.kill(third)).toMatchObject({ kind: "retry", reason: "login_expired" });
    expect(await world.reads(third.credential)).toBe(true);
    world.tokens = new Set(["first.token"]);
    const start = world.proxy.seen.length;
    expect((await stage.kill(third)).kind).toBe("dead-unverified");
    expect(forms(start, "/AssumeRoleWithWebIdentity")).toHaveLength(1);
  });

  it("says at once that there is no such file, and mints nothing with a token that AWS refuses", async () => {
    await expect(
      stageWith({ minter: { role: writer, tokenFile: "/no/such/token" } }, { resolveSecret }),
    ).rejects.toThrow("minter.tokenFile");
    world.tokens = new Set();
    const stage = await stageWith({ minter: login() }, { resolveSecret });
    expect(await stage.mint()).toEqual({ kind: "rejected", reason: "login_expired", retryable: true });
  });
});

describe("aws-sts role chaining", () => {
  const chained = "arn:aws:sts::123456789012:assumed-role/broker/i-0123456789";

  it("is found before the first mint, which AWS would refuse", async () => {
    world.callerArn = chained;
    const stage = await stageWith({ maxSessionSeconds: 7_200 });
    expect(await stage.check()).toContain("maxSessionSeconds: 3600");
    const long = { kind: "rejected", reason: "validation_error", retryable: false };
    expect(await stage.mint({ ttlMillis: 7_000_000 })).toEqual(long);
    expect((await stage.mint()).kind).toBe("minted");
  });

  it.each<[string, string, number]>([
    ["an hour", chained, 3_600],
    ["longer sessions of a user", "arn:aws:iam::123456789012:user/broker", 43_200],
  ])("allows %s", async (_, callerArn, maxSessionSeconds) => {
    world.callerArn = callerArn;
    const stage = await stageWith({ maxSessionSeconds });
    expect(await stage.check()).toBe("ok");
    expect((await stage.mint({ ttlMillis: maxSessionSeconds * 1000 })).kind).toBe("minted");
  });

  it("is not looked for where the server does not tell who asks", async () => {
    world.proxy.breakPath("/GetCallerIdentity", { kind: "answer", status: 403, body: "" });
    expect(await (await stageWith({ maxSessionSeconds: 7_200 })).check()).toBe("ok");
  });

  it("never is, where the broker's own token asks for the role at once", async () => {
    world.callerArn = chained;
    const start = world.proxy.seen.length;
    const stage = await stageWith({ maxSessionSeconds: 43_200, minter: { brokerToken: true } });
    expect(await stage.check()).toBe("ok");
    expect(forms(start, "/AssumeRoleWithWebIdentity")).toMatchObject([{ RoleArn: stage.role }]);
    expect((await stage.mint({ ttlMillis: 43_000_000 })).kind).toBe("minted");
  });
});

describe("aws-sts wrong roles", () => {
  it("one that is not there: nothing is asked of STS, and the check names it", async () => {
    const stage = await stageWith();
    world.roles.delete(stage.roleName);
    const start = world.proxy.seen.length;
    const refused = { kind: "rejected", reason: "deny_policy_no_such_entity", retryable: false };
    expect(await stage.mint()).toEqual(refused);
    expect(seenSince(start).map(({ path }) => path)).toEqual(["/ListRolePolicies"]);
    expect(await stage.check()).toContain(`${stage.role}: iam:GetRole: no_such_entity; make the role again`);
  });

  it("one that does not trust the broker", async () => {
    const stage = await stageWith();
    world.proxy.breakPath("/AssumeRole", { kind: "answer", status: 403, body: "<Code>AccessDenied</Code>" });
    expect(await stage.mint()).toEqual({ kind: "rejected", reason: "access_denied", retryable: false });
    expect(await stage.check()).toContain("allow the provider's login sts:AssumeRole on the role");
  });

  it("one that a template names and the provider does not", async () => {
    const stage = await stageWith();
    const statements = [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::reports/*"] }];
    const parsed = stage.provider.parseScope({ role: `${stage.role}-2`, statements });
    expect(parsed.ok ? "" : parsed.fault.message).toContain(`must be one of the provider's roles: ${stage.role}`);
  });
});
