/** The overflow policy of a role, with IAM by the book: what spills into it is as dead as the rest, and nothing else is touched. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sessionNameOf } from "../../../providers/aws-sts/session-name.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { openAwsNodes } from "../../support/aws-sts-nodes.ts";
import { startAwsStage, type AwsStage, type LiveSession } from "../../support/aws-sts-stage.ts";
import {
  emptyOverflow,
  leaveRoom as leaveRoomIn,
  overflowArn,
  startScriptedIam,
  type FakePolicy,
  type ScriptedIam,
} from "../../support/scripted-iam.ts";

let world: ScriptedIam;
const stages: AwsStage[] = [];
let roles = 0;
beforeAll(async () => {
  world = await startScriptedIam();
});
beforeEach(() => world.proxy.heal());
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.close();
});
afterAll(() => world?.close());

const overflowPolicy = overflowArn("{role}");
async function stageWith(options: JsonObject = {}): Promise<AwsStage> {
  const stage = await startAwsStage(world, `role-${(roles += 1)}`, {
    options: { overflowPolicy, maxSessions: 20, ...options },
  });
  stages.push(stage);
  return stage;
}
const policyOf = ({ roleName }: AwsStage): FakePolicy => {
  const policy = world.policies.get(overflowArn(roleName));
  if (policy === undefined) throw new Error("no overflow policy");
  return policy;
};
const overflowOf = (stage: AwsStage): string => policyOf(stage).versions.get(policyOf(stage).inForce) ?? "";
const inlineOf = ({ roleName, policyName }: AwsStage): string =>
  world.roles.get(roleName)?.inline.get(policyName) ?? "";
const leaveRoom = ({ roleName }: AwsStage, denials: number): void => leaveRoomIn(world.roles.get(roleName), denials);
async function live(stage: AwsStage, count: number): Promise<LiveSession[]> {
  const sessions: LiveSession[] = [];
  for (let made = 0; made < count; made += 1) sessions.push(await stage.live());
  return sessions;
}
async function killAll(stage: AwsStage, sessions: readonly LiveSession[]): Promise<readonly string[]> {
  const verdicts: string[] = [];
  for (const session of sessions) verdicts.push((await stage.kill(session)).kind);
  return verdicts;
}
const alive = (sessions: readonly LiveSession[]): Promise<boolean[]> =>
  Promise.all(sessions.map(({ credential }) => world.reads(credential)));
const holds = (text: string, { lease }: LiveSession): boolean => text.includes(sessionNameOf(lease.id));
const seenSince = (start: number): string[] => world.proxy.seen.slice(start).map(({ path }) => path);
const times = (count: number, value: unknown): unknown[] => Array.from({ length: count }, () => value);

describe("aws-sts overflow: what has no room in the role", () => {
  it("is denied by the managed policy, and called dead after that was read back", async () => {
    const stage = await stageWith();
    leaveRoom(stage, 3);
    const sessions = await live(stage, 8);
    expect(await killAll(stage, sessions)).toEqual(times(8, "dead-unverified"));
    expect(await alive(sessions)).toEqual(times(8, false));
    const [inline, overflow] = [inlineOf(stage), overflowOf(stage)];
    const places = sessions.map((session) => [holds(inline, session), holds(overflow, session)]);
    expect(places.filter(([own]) => own === true).length).toBe(3);
    expect(places.every(([own, spilled]) => own !== spilled)).toBe(true);
    expect(await stage.findUndone(...sessions)).toEqual([]);
  });

  it("leaves a living session of the same role alone", async () => {
    const stage = await stageWith();
    leaveRoom(stage, 1);
    const [first, second, spared] = await live(stage, 3);
    if (first === undefined || second === undefined || spared === undefined) throw new Error("three were made");
    await killAll(stage, [first, second]);
    expect(await alive([first, second, spared])).toEqual([false, false, true]);
  });

  it("asks nothing of the overflow policy while it is not needed, once it was seen empty", async () => {
    const stage = await stageWith();
    const [first, second] = await live(stage, 2);
    if (first === undefined || second === undefined) throw new Error("two were made");
    await stage.kill(first);
    const start = world.proxy.seen.length;
    await stage.kill(second);
    expect(seenSince(start)).toEqual(["/GetRolePolicy", "/PutRolePolicy", "/GetRolePolicy"]);
    expect(overflowOf(stage)).toBe(emptyOverflow);
  });

  it("goes back into the role once there is room, and the managed policy is empty again", async () => {
    const stage = await stageWith();
    leaveRoom(stage, 1);
    const sessions = await live(stage, 4);
    await killAll(stage, sessions);
    world.roles.get(stage.roleName)?.inline.delete("somebody-elses");
    expect(await stage.check()).toBe("ok");
    const [last] = await live(stage, 1);
    if (last === undefined) throw new Error("one was made");
    expect((await stage.kill(last)).kind).toBe("dead-unverified");
    expect(sessions.every((session) => holds(inlineOf(stage), session))).toBe(true);
    expect(overflowOf(stage)).toContain('"none"');
    expect(await alive([...sessions, last])).toEqual(times(5, false));
  });

  it("keeps five versions, and deletes the oldest that is not in force", async () => {
    const stage = await stageWith();
    leaveRoom(stage, 1);
    const sessions = await live(stage, 12);
    expect(await killAll(stage, sessions)).toEqual(times(12, "dead-unverified"));
    const { versions, inForce } = policyOf(stage);
    expect([...versions.keys()]).toEqual(["v8", "v9", "v10", "v11", "v12"]);
    expect(inForce).toBe("v12");
    expect(await alive(sessions)).toEqual(times(12, false));
  });

  it("deletes no version that somebody put in force, however old", async () => {
    const stage = await stageWith();
    leaveRoom(stage, 1);
    const sessions = await live(stage, 6);
    await killAll(stage, sessions.slice(0, 5));
    expect([...policyOf(stage).versions.keys()]).toEqual(["v1", "v2", "v3", "v4", "v5"]);
    policyOf(stage).inForce = "v1";
    expect(await killAll(stage, sessions.slice(5))).toEqual(["dead-unverified"]);
    expect([...policyOf(stage).versions.keys()]).toEqual(["v1", "v3", "v4", "v5", "v6"]);
    expect(await alive(sessions)).toEqual(times(6, false));
  });

  it("is a kill that needs a person where that has no room either, and a cutoff where it is allowed", async () => {
    for (const [overflow, kind] of [
      ["refuse", "refused"],
      ["cutoff", "dead-unverified"],
    ] as const) {
      const stage = await stageWith({ overflow, maxSessions: 300 });
      leaveRoom(stage, 100);
      const sessions = await live(stage, 340);
      const verdicts = await Promise.all(sessions.map(async (session) => (await stage.kill(session)).kind));
      const left = await alive(sessions);
      expect(verdicts.map((verdict) => verdict === "refused")).toEqual(left);
      expect(verdicts.filter((verdict) => verdict === kind).length).toBeGreaterThan(0);
      expect(inlineOf(stage).includes("MayflyCutoff")).toBe(overflow === "cutoff");
      expect(await stage.findUndone(...sessions.filter((_, at) => verdicts[at] !== "refused"))).toEqual([]);
    }
  }, 30_000);
});

describe("aws-sts overflow: what is not a death", () => {
  async function spilling(): Promise<{ stage: AwsStage; own: LiveSession; spilled: LiveSession }> {
    const stage = await stageWith();
    leaveRoom(stage, 1);
    const [own, spilled] = await live(stage, 2);
    if (own === undefined || spilled === undefined) throw new Error("two were made");
    expect((await stage.kill(own)).kind).toBe("dead-unverified");
    return { stage, own, spilled };
  }
  const denied = { kind: "answer", status: 403, body: "<Error><Code>AccessDenied</Code></Error>" } as const;
  const throttled = { kind: "answer", status: 400, body: "<Error><Code>Throttling</Code></Error>" } as const;

  it.each([
    ["/ListAttachedRolePolicies", denied, { kind: "refused", reason: "access_denied" }, "iam:ListAttachedRolePolicies"],
    ["/ListPolicyVersions", denied, { kind: "refused", reason: "access_denied" }, "iam:ListPolicyVersions"],
    ["/GetPolicyVersion", throttled, { kind: "retry", reason: "throttled" }, ""],
    ["/CreatePolicyVersion", denied, { kind: "refused", reason: "access_denied" }, "iam:CreatePolicyVersion"],
    ["/CreatePolicyVersion", throttled, { kind: "retry", reason: "throttled" }, ""],
    ["/CreatePolicyVersion", { kind: "reset_before" }, { kind: "retry" }, ""],
    [
      "/CreatePolicyVersion",
      { ...throttled, status: 200 },
      { kind: "retry", reason: "overflow_policy_not_read_back" },
      "",
    ],
  ] as const)("%s answered with %o", async (path, fault, verdict, fix) => {
    const { stage, spilled } = await spilling();
    world.proxy.breakPath(path, fault);
    const said = await stage.kill(spilled);
    expect(said).toMatchObject(verdict);
    expect(said.kind === "refused" ? said.fix : "").toContain(fix);
    expect(await alive([spilled])).toEqual([true]);
    world.proxy.heal();
    expect((await stage.kill(spilled)).kind).toBe("dead-unverified");
    expect(await alive([spilled])).toEqual([false]);
  });

  it("a version that somebody else made in between: it is tried again", async () => {
    const { stage, spilled } = await spilling();
    const { versions } = policyOf(stage);
    for (const id of ["v2", "v3", "v4", "v5"]) versions.set(id, emptyOverflow);
    world.proxy.breakPath("/DeletePolicyVersion", { kind: "answer", status: 200, body: "" });
    expect(await stage.kill(spilled)).toMatchObject({ kind: "retry", reason: "overflow_policy_full" });
    world.proxy.heal();
    expect((await stage.kill(spilled)).kind).toBe("dead-unverified");
    expect([...versions.keys()].length).toBe(5);
  });

  it("a policy that is not attached to the role", async () => {
    const { stage, own, spilled } = await spilling();
    world.roles.get(stage.roleName)?.attached.clear();
    const said = await stage.kill(spilled);
    expect(said).toMatchObject({ kind: "refused", reason: "overflow_policy_not_attached" });
    expect(said.kind === "refused" && said.fix).toContain(overflowArn(stage.roleName));
    expect(await stage.findUndone(own, spilled)).toEqual([spilled.lease.id]);
    expect(await stage.check()).toContain("overflow_policy_not_attached");
    expect(policyOf(stage).made).toBe(1);
  });

  it("a write that others made to another policy than ours: it is never overwritten", async () => {
    const { stage, spilled } = await spilling();
    const rights = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}';
    const other = emptyOverflow.replace("MayflyOverflow", "MayflyOverflowotherledgerunderXtestAt1763805600");
    for (const text of [rights, other, "not a policy", emptyOverflow.replace('"none"', '"*:jit-0000000000000000"')]) {
      policyOf(stage).versions.set("v1", text);
      expect(await stage.kill(spilled)).toMatchObject({ kind: "refused", reason: "overflow_policy_not_ours" });
      expect(await stage.check()).toContain("overflow_policy_not_ours");
      expect(policyOf(stage).made).toBe(1);
    }
    expect(await alive([spilled])).toEqual([true]);
  });

  it("keeps kills that fit into the role apart from what is wrong with the overflow policy", async () => {
    const stage = await stageWith({ maxSessions: 2 });
    world.policies.delete(overflowArn(stage.roleName));
    const [session] = await live(stage, 1);
    if (session === undefined) throw new Error("one was made");
    expect((await stage.kill(session)).kind).toBe("dead-unverified");
    expect(await alive([session])).toEqual([false]);
  });

  it("cuts nobody off for a fault that passes", async () => {
    const stage = await stageWith({ overflow: "cutoff" });
    leaveRoom(stage, 1);
    const [own, spilled] = await live(stage, 2);
    if (own === undefined || spilled === undefined) throw new Error("two were made");
    await stage.kill(own);
    world.proxy.breakPath("/ListPolicyVersions", throttled);
    expect(await stage.kill(spilled)).toMatchObject({ kind: "retry", reason: "throttled" });
    expect(inlineOf(stage)).not.toContain("MayflyCutoff");
    world.proxy.breakPath("/ListPolicyVersions", denied);
    expect((await stage.kill(spilled)).kind).toBe("dead-unverified");
    expect(inlineOf(stage)).toContain("MayflyCutoff");
  });
});

describe("aws-sts overflow: what others do to it", () => {
  it("finds a denial that went with a version, and puts it back with the next kill", async () => {
    const stage = await stageWith();
    leaveRoom(stage, 1);
    const sessions = await live(stage, 3);
    await killAll(stage, sessions);
    policyOf(stage).inForce = "v2";
    const left = await alive(sessions);
    const back = sessions.filter((_, at) => left[at] === true);
    expect(back).toHaveLength(1);
    expect(await stage.findUndone(...sessions)).toEqual(back.map(({ lease }) => lease.id));
    for (const session of back) expect((await stage.kill(session)).kind).toBe("dead-unverified");
    expect(await alive(sessions)).toEqual(times(3, false));
    expect(await stage.findUndone(...sessions)).toEqual([]);
  });

  it("reopens the lease of such a denial, which dies again", async () => {
    const nodes = await openAwsNodes();
    try {
      const { bench, roleName } = nodes;
      leaveRoomIn(nodes.world.roles.get(roleName), 1);
      const node = await nodes.start({ overflowPolicy, maxSessions: 20 });
      const [own, spilled] = [await node.mint(), await node.mint()];
      for (const session of [own, spilled]) expect((await node.kill(session)).kind).toBe("dead-unverified");
      expect(await node.guard()).toBe(0);
      nodes.world.roles.get(roleName)?.attached.clear();
      expect(await node.guard()).toBe(1);
      expect(await bench.state(spilled.lease.id)).toMatchObject({ kind: "revoking", cause: "undone" });
      expect(await node.killDue()).toMatchObject([{ kind: "refused", reason: "overflow_policy_not_attached" }]);
      expect(await bench.state(own.lease.id)).toMatchObject({ kind: "revoked" });
      expect(await bench.state(spilled.lease.id)).toMatchObject({ kind: "stuck" });
    } finally {
      await nodes.close();
    }
  });

  it("does not say undone of what it could not look at", async () => {
    const stage = await stageWith();
    leaveRoom(stage, 1);
    const sessions = await live(stage, 3);
    await killAll(stage, sessions);
    world.proxy.breakPath("/ListPolicyVersions", { kind: "answer", status: 503, body: "" });
    await expect(stage.findUndone(...sessions)).rejects.toThrow("status_503");
  });
});

describe("aws-sts overflow: room", () => {
  it("counts before a mint only where it is attached and ours", async () => {
    const stage = await stageWith({ maxSessions: 200 });
    leaveRoom(stage, 100);
    expect((await stage.mint()).kind).toBe("minted");
    expect(await stage.check()).toBe("ok");
    world.roles.get(stage.roleName)?.attached.clear();
    expect(await stage.check()).toContain("attach");
    const rejected = { kind: "rejected", reason: "overflow_policy_not_attached", retryable: false };
    expect(await stage.mint()).toEqual(rejected);
    const bare = await stageWith({ maxSessions: 330 });
    leaveRoom(bare, 50);
    expect(await bare.mint()).toEqual({ kind: "rejected", reason: "deny_policy_has_no_room", retryable: false });
    expect(await bare.check()).toContain("maxSessions: 28");
  });

  it("check names the right that is missing, and changes nothing", async () => {
    const stage = await stageWith();
    for (const right of [
      "CreatePolicyVersion",
      "DeletePolicyVersion",
      "ListPolicyVersions",
      "ListAttachedRolePolicies",
    ]) {
      world.proxy.breakPath(`/${right}`, {
        kind: "answer",
        status: 403,
        body: "<Error><Code>AccessDenied</Code></Error>",
      });
      expect(await stage.check()).toContain(`iam:${right}`);
      world.proxy.heal();
    }
    expect(await stage.check()).toBe("ok");
    expect(policyOf(stage)).toEqual({ versions: new Map([["v1", emptyOverflow]]), inForce: "v1", made: 1 });
  });
});
