/**
 * What the aws-sts provider's kill is worth, at a real STS, IAM and S3 that no one here wrote: every session is used
 * before and after, past the provider.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sessionNameOf } from "../../../providers/aws-sts/session-name.ts";
import type { Lease, LeaseState } from "../../../src/domain/lease.ts";
import { epochMillis } from "../../../src/kernel/time.ts";
import { startAwsIssuer, type AwsIssuer } from "../../support/aws-issuer.ts";
import { startAwsStage, type AwsStage, type LiveSession } from "../../support/aws-sts-stage.ts";
import { describeThroughBroker } from "./through-broker.ts";
import { startRgwWorld, statement, type RgwWorld } from "../../support/rgw-world.ts";

let world: RgwWorld;
const stages: AwsStage[] = [];
let roles = 0;
beforeAll(async () => {
  world = await startRgwWorld();
}, 90_000);
beforeEach(() => world.proxy.heal());
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.close();
});
afterAll(() => world?.close());

async function stageWith(wish: Parameters<typeof startAwsStage>[2] = {}): Promise<AwsStage> {
  const stage = await startAwsStage(world, `role-${(roles += 1)}`, wish);
  stages.push(stage);
  return stage;
}
const dying: Extract<LeaseState, { kind: "revoking" }> = {
  kind: "revoking",
  cause: "expiry",
  killOrderedAt: epochMillis(0),
  attempts: 0,
  dueAt: epochMillis(0),
  lastVerdict: null,
  lastReason: null,
  outcomeUnknown: false,
  usableUntil: null,
};
const reads = ({ credential }: LiveSession): Promise<boolean> => world.reads(credential);
const putsSince = (start: number): number =>
  world.proxy.seen.slice(start).filter(({ path }) => path === "/PutRolePolicy").length;
/** Takes so much of a role's room that `left` denials fit. */
function fillRoom(stage: AwsStage, left: number): Promise<void> {
  const textOf = (resources: readonly string[]): string =>
    JSON.stringify(statement("Allow", { Action: ["s3:GetObject"], Resource: [...resources] }));
  const length = 10_240 - JSON.stringify(grants).length - skeleton - left * 25;
  const resource = (index: number): string => `arn:aws:s3:::other-${String(index).padStart(4, "0")}/*`;
  const resources: string[] = [];
  while (textOf([...resources, resource(0)]).length <= length) resources.push(resource(resources.length));
  return world.editor.put(stage.roleName, "somebody-elses", textOf(resources));
}
const grants = statement("Allow", {
  Action: ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
  Resource: ["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"],
});
/** Of the broker's policy with both of its statements, and a little. */
const skeleton = 330;

describe("aws-sts: natural end", () => {
  it("a lifetime far below what AWS gives at least ends by itself, without any write", async () => {
    const stage = await stageWith();
    const start = world.proxy.seen.length;
    const session = await stage.live({ ttlMillis: 3_000 });
    await expect.poll(() => reads(session), { timeout: 10_000, interval: 100 }).toBe(false);
    expect(Date.now()).toBeLessThan(session.lease.nativeExpiresAt + 2_000);
    expect(await stage.kill(session)).toEqual({ kind: "expires-only", at: session.lease.nativeExpiresAt });
    expect(putsSince(start)).toBe(0);
  });
});

describe("aws-sts: natural end, with a probe", () => {
  it("is seen at once, and takes no room", async () => {
    const probe = { bucket: "reports", key: "emea/total", endpoint: world.proxy.url };
    const stage = await stageWith({ options: { probe } });
    const [over, doomed] = [await stage.live({ ttlMillis: 3_000 }), await stage.live()];
    await expect.poll(() => reads(over), { timeout: 10_000, interval: 100 }).toBe(false);
    const lease: Lease = { ...over.lease, state: dying };
    expect(await stage.kill({ ...over, lease })).toEqual({ kind: "dead-verified" });
    await stage.kill(doomed);
    const text = (await world.editor.read(stage.roleName, stage.policyName)) ?? "";
    expect(text).toContain(sessionNameOf(doomed.lease.id));
    expect(text).not.toContain(sessionNameOf(over.lease.id));
  });
});

describe("aws-sts: early end", () => {
  it("kills one of two sessions of a role, and leaves the other", async () => {
    const stage = await stageWith();
    const [doomed, spared] = [await stage.live(), await stage.live()];
    expect(await stage.kill(doomed)).toEqual({ kind: "dead-unverified" });
    expect([await reads(doomed), await reads(spared)]).toEqual([false, true]);
  });

  it("kills every session that was made under one name, also one whose answer was lost", async () => {
    const stage = await stageWith();
    const first = await stage.live();
    const again = await stage.live({ leaseId: first.lease.id });
    world.proxy.breakPath("/AssumeRole", { kind: "reset_after" });
    expect((await stage.mint({ leaseId: first.lease.id })).kind).toBe("unknown");
    world.proxy.heal();
    expect((await stage.kill({ lease: first.lease })).kind).toBe("dead-unverified");
    expect([await reads(first), await reads(again)]).toEqual([false, false]);
  });

  it("shares a few writes between many kills", async () => {
    const stage = await stageWith();
    const sessions = await Promise.all(Array.from({ length: 50 }, () => stage.live()));
    const start = world.proxy.seen.length;
    const verdicts = await Promise.all(sessions.map((session) => stage.kill(session)));
    expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(["dead-unverified"]));
    expect(await Promise.all(sessions.map(reads))).toEqual(sessions.map(() => false));
    expect(putsSince(start)).toBeLessThanOrEqual(3);
  });

  it("says pending until IAM has had its time, counted from the first look, and dead afterwards", async () => {
    let ahead = 0;
    const now = () => epochMillis(Date.now() + ahead);
    const stage = await stageWith({ options: { settleSeconds: 60 }, tools: { now } });
    const session = await stage.live();
    const pending = await stage.kill(session);
    expect(pending.kind).toBe("pending");
    const until = pending.kind === "pending" ? pending.until : 0;
    expect(until - Date.now()).toBeGreaterThan(55_000);
    ahead = 30_000;
    expect(await stage.kill(session)).toEqual(pending);
    ahead = 61_000;
    expect(await stage.kill(session)).toEqual({ kind: "dead-unverified" });
  });

  it("does not wait for that where a probe that worked is refused", async () => {
    const probe = { bucket: "reports", key: "emea/total", endpoint: world.proxy.url };
    const stage = await stageWith({ options: { settleSeconds: 60, probe } });
    const session = await stage.live();
    expect(await stage.kill(session)).toEqual({ kind: "dead-verified" });
    const unseen = await stage.live();
    const lease = { ...unseen.lease, provenAlive: false };
    expect((await stage.kill({ ...unseen, lease })).kind).toBe("pending");
  });

  it("keeps brokers and providers that share a role apart", async () => {
    const stage = await stageWith();
    const other = await stageWith({ tools: { name: "other" } });
    const [ours, theirs] = [await stage.live(), await other.live()];
    await stage.kill(ours);
    await other.kill(theirs);
    expect(stage.policyName).not.toBe(other.policyName);
    expect([await reads(ours), await reads(theirs)]).toEqual([false, false]);
  });

  it("waits while another node writes", async () => {
    const stage = await stageWith({ tools: { ledger: heldLedger } });
    const session = await stage.live();
    expect(await stage.kill(session)).toMatchObject({ kind: "retry", reason: "written_by_another_node" });
    expect(await reads(session)).toBe(true);
  });

  it("says already gone of a role that was deleted with its sessions", async () => {
    const stage = await stageWith();
    const session = await stage.live();
    await world.dropRole(stage.roleName);
    expect(await stage.kill(session)).toEqual({ kind: "already-gone" });
    expect(await reads(session)).toBe(false);
  });
});

const heldLedger = {
  mark: "testledger",
  async *denied() {},
  exclusively: async () => ({ ok: false as const, fault: "held" as const }),
};

describe("aws-sts: what is not a death", () => {
  const absent = { kind: "answer", status: 404, body: "<Error><Code>NoSuchEntity</Code></Error>" } as const;

  it("a write that finds no role, while the role is there", async () => {
    const stage = await stageWith();
    const session = await stage.live();
    world.proxy.breakPath("/PutRolePolicy", absent);
    expect(await stage.kill(session)).toMatchObject({ kind: "retry", reason: "role_not_found" });
    world.proxy.breakPath("/GetRole", { ...absent, body: "<html>no such page</html>" });
    expect(await stage.kill(session)).toMatchObject({ kind: "retry", reason: "role_not_found" });
    expect(await reads(session)).toBe(true);
  });

  it("a page that is not there, where IAM should be", async () => {
    const stage = await stageWith();
    const session = await stage.live();
    for (const path of ["/PutRolePolicy", "/GetRolePolicy", "/GetRole"])
      world.proxy.breakPath(path, { ...absent, body: "<html>no such page</html>" });
    expect(await stage.kill(session)).toMatchObject({ kind: "refused", reason: "status_404" });
    expect(await reads(session)).toBe(true);
  });
});

describe("aws-sts: what is asked of AWS", () => {
  it("names task and lease where that is wanted, and nothing of the agent", async () => {
    const stage = await stageWith({ options: { externalId: "ours:1", tags: true, sourceIdentity: true } });
    const start = world.proxy.seen.length;
    const { lease } = await stage.live();
    const sent = world.proxy.seen.slice(start).find(({ path }) => path === "/AssumeRole");
    const form = new URLSearchParams(sent?.body);
    expect(Object.fromEntries(form)).toMatchObject({
      ExternalId: "ours:1",
      RoleSessionName: sessionNameOf(lease.id),
      SourceIdentity: sessionNameOf(lease.id),
      DurationSeconds: "900",
      "Tags.member.1.Key": "mayfly-task",
      "Tags.member.1.Value": lease.taskId,
      "Tags.member.2.Value": lease.id,
      "TransitiveTagKeys.member.2": "mayfly-lease",
    });
    expect(sent?.body).not.toContain("invoice-bot");
  });
});

describe("aws-sts: what others do to the policy", () => {
  it("finds a denial that somebody removed, and puts it back with the next kill", async () => {
    const stage = await stageWith();
    const [removed, kept] = [await stage.live(), await stage.live()];
    await stage.kill(removed);
    await stage.kill(kept);
    expect(await stage.findUndone(removed, kept)).toEqual([]);
    const text = (await world.editor.read(stage.roleName, stage.policyName)) ?? "";
    const name = sessionNameOf(removed.lease.id);
    await world.editor.put(stage.roleName, stage.policyName, text.replace(name, "jit-somebody-else"));
    expect([await reads(removed), await reads(kept)]).toEqual([true, false]);
    expect(await stage.findUndone(removed, kept)).toEqual([removed.lease.id]);
    expect((await stage.kill(removed)).kind).toBe("dead-unverified");
    expect([await reads(removed), await reads(kept)]).toEqual([false, false]);
  });

  it("finds all of them when the policy is gone, and none when the role is", async () => {
    const stage = await stageWith();
    const session = await stage.live();
    await stage.kill(session);
    await world.editor.drop(stage.roleName, stage.policyName);
    expect(await stage.findUndone(session)).toEqual([session.lease.id]);
    await world.dropRole(stage.roleName);
    expect(await stage.findUndone(session)).toEqual([]);
  });

  it("does not look for what has ended by itself", async () => {
    const stage = await stageWith();
    const session = await stage.live();
    const lease = { ...session.lease, nativeExpiresAt: epochMillis(Date.now() - 1) };
    expect(await stage.findUndone({ ...session, lease })).toEqual([]);
  });
});

describe("aws-sts: rights taken away in mid-flight", () => {
  const login = { accessKeyId: { env: "REVOKER_KEY" }, secretAccessKey: { env: "REVOKER_SECRET" } };

  it("needs a person, names the right, and goes on once it is back", async () => {
    const keys = await world.rgw.addUser("revoker", "roles=*");
    const secrets = { REVOKER_KEY: keys.accessKeyId, REVOKER_SECRET: keys.secretAccessKey };
    const stage = await stageWith({ options: { revoker: login }, secrets });
    const session = await stage.live();
    await world.rgw.setRights("revoker", { remove: "roles=write" });
    const verdict = await stage.kill(session);
    expect(verdict.kind === "refused" && verdict.fix).toContain("iam:PutRolePolicy");
    expect(await reads(session)).toBe(true);
    expect(await stage.check()).toContain("iam:PutRolePolicy");
    await world.rgw.setRights("revoker", { remove: "roles=read" });
    expect(await stage.check()).toContain("iam:GetRole");
    await world.rgw.setRights("revoker", { add: "roles=*" });
    expect(await stage.check()).toBe("ok");
    expect((await stage.kill(session)).kind).toBe("dead-unverified");
    expect(await reads(session)).toBe(false);
  });

  it("mints nothing while it could not look at the role's policies", async () => {
    const secrets = { REVOKER_KEY: "NOBODY", REVOKER_SECRET: "nothing" };
    const stage = await stageWith({ options: { revoker: login }, secrets });
    const start = world.proxy.seen.length;
    expect(await stage.mint()).toMatchObject({ kind: "rejected" });
    expect(world.proxy.seen.slice(start).map(({ path }) => path)).toEqual(["/ListRolePolicies"]);
  });
});

describe("aws-sts: room", () => {
  it("mints nothing on a role that could not hold the denials, and says what to do", async () => {
    const stage = await stageWith();
    await fillRoom(stage, 190);
    expect(await stage.mint()).toEqual({ kind: "rejected", reason: "deny_policy_has_no_room", retryable: false });
    expect(await stage.check()).toContain("maxSessions: ");
    await fillRoom(stage, 210);
    const start = world.proxy.seen.length;
    // What was measured a moment ago is believed; a check measures anew.
    expect((await stage.mint()).kind).toBe("rejected");
    expect(putsSince(start)).toBe(0);
    expect(await stage.check()).toBe("ok");
    expect((await stage.mint()).kind).toBe("minted");
  });

  it("never calls dead what found no room, nor takes the room of what it called dead", async () => {
    const stage = await stageWith({ options: { maxSessions: 2 } });
    await fillRoom(stage, 2);
    const sessions: LiveSession[] = [];
    for (let made = 0; made < 14; made += 1) sessions.push(await stage.live());
    const verdicts: string[] = [];
    for (const session of sessions) verdicts.push((await stage.kill(session)).kind);
    expect(new Set(verdicts)).toEqual(new Set(["dead-unverified", "refused"]));
    const alive = await Promise.all(sessions.map(reads));
    expect(alive).toEqual(verdicts.map((kind) => kind === "refused"));
    expect((await stage.findUndone(...sessions.filter((_, at) => verdicts[at] !== "refused"))).length).toBe(0);
  });

  it("cuts off the older sessions of the role where that is allowed, and not the later ones", async () => {
    const stage = await stageWith({ options: { maxSessions: 2, overflow: "cutoff" } });
    await fillRoom(stage, 1);
    const sessions = [await stage.live(), await stage.live(), await stage.live(), await stage.live()];
    for (const session of sessions) expect((await stage.kill(session)).kind).toBe("dead-unverified");
    expect(await Promise.all(sessions.map(reads))).toEqual([false, false, false, false]);
    expect(await stage.findUndone(...sessions)).toEqual([]);
    const text = (await world.editor.read(stage.roleName, stage.policyName)) ?? "";
    expect(text).toContain("MayflyCutoff");
    const isNowBeyondIt = async (): Promise<boolean> => {
      const outcome = await stage.mint();
      return outcome.kind === "minted" && world.reads(outcome.minted.credential);
    };
    await expect.poll(isNowBeyondIt, { timeout: 10_000, interval: 200 }).toBe(true);
  });
});

describe("aws-sts: check", () => {
  it("names a role that is not there", async () => {
    const stage = await stageWith();
    await world.dropRole(stage.roleName);
    expect(await stage.check()).toContain("make the role again");
    expect(await stage.mint()).toMatchObject({ kind: "rejected", retryable: false });
  });

  it("compares the longest session with the role's", async () => {
    const stage = await stageWith({ options: { maxSessionSeconds: 7_200 } });
    expect(await stage.check()).toContain("3600 s");
  });

  it("finds a role that does not trust the broker", async () => {
    const stranger = statement("Allow", {
      Principal: { AWS: ["arn:aws:iam:::user/somebody"] },
      Action: ["sts:AssumeRole"],
    });
    const stage = await stageWith({ trust: stranger });
    expect(await stage.check()).toContain("sts:AssumeRole");
    expect(await stage.mint()).toMatchObject({ kind: "rejected", retryable: false });
  });
});

describe("aws-sts: the broker as issuer", () => {
  let issuer: AwsIssuer;
  beforeAll(async () => {
    issuer = await startAwsIssuer();
    await issuer.register(world.rgw);
  });
  afterAll(() => issuer?.close());

  const stageOf = (subject: string): Promise<AwsStage> => {
    const { issuerUrl, signer } = issuer;
    const options = { minter: { brokerToken: true }, tokenSubject: "mayfly", tags: true };
    return stageWith({ options, tools: { issuerUrl, signer }, trust: issuer.trust(subject) });
  };

  it("mints without any key of AWS, bounds and kills as ever", async () => {
    const stage = await stageOf("mayfly");
    expect(await stage.check()).toBe("ok");
    const [doomed, spared] = [await stage.live(), await stage.live()];
    expect(await world.may(doomed.credential)).toEqual(["read emea"]);
    expect(await stage.kill(doomed)).toEqual({ kind: "dead-unverified" });
    expect([await reads(doomed), await reads(spared)]).toEqual([false, true]);
    const short = await stage.live({ ttlMillis: 3_000 });
    await expect.poll(() => reads(short), { timeout: 10_000, interval: 100 }).toBe(false);
    const sent = world.proxy.seen.filter(({ path }) => path === "/AssumeRoleWithWebIdentity");
    expect(sent.length).toBeGreaterThan(3);
    expect(sent.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("lets the revoker log in with the broker's token too, for a role that may write policies", async () => {
    const { issuerUrl, signer } = issuer;
    const revoker = await world.makeRole("policy-writer", issuer.trust("mayfly"));
    const rights = statement("Allow", { Action: ["iam:*"], Resource: ["*"] });
    await world.editor.put("policy-writer", "rights", JSON.stringify(rights));
    const options = { minter: { brokerToken: true }, revoker: { brokerToken: true, role: revoker } };
    const stage = await stageWith({ options, tools: { issuerUrl, signer }, trust: issuer.trust("mayfly") });
    expect(await stage.check()).toBe("ok");
    const session = await stage.live();
    expect((await stage.kill(session)).kind).toBe("dead-unverified");
    expect(await reads(session)).toBe(false);
  });

  it("gets nothing from a role that trusts another subject", async () => {
    const stage = await stageOf("somebody-else");
    expect(await stage.mint()).toMatchObject({ kind: "rejected" });
    expect(await stage.check()).not.toBe("ok");
  });
});

describeThroughBroker(() => world);

describe("aws-sts: kill time", () => {
  const [rounds, together] = [4, 50];

  it("of 200 sessions, 50 at a time, from the order to a refused read", async () => {
    const stage = await stageWith({ options: { maxSessions: 300 } });
    const spans: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const sessions = await Promise.all(Array.from({ length: together }, () => stage.live()));
      await Promise.all(
        sessions.map(async (session) => {
          const orderedAt = performance.now();
          expect((await stage.kill(session)).kind).toBe("dead-unverified");
          const span = performance.now() - orderedAt;
          expect(await reads(session)).toBe(false);
          spans.push(span);
        }),
      );
    }
    spans.sort((left, right) => left - right);
    const at = (share: number): number => Math.round(spans[Math.floor(share * (spans.length - 1))] ?? 0);
    console.log(`aws-sts kill time of ${spans.length} sessions: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
    expect(spans.length).toBe(rounds * together);
    expect(at(0.99)).toBeLessThan(10_000);
  }, 60_000);
});
