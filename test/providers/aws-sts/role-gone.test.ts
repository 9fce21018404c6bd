/** A role that was deleted took its sessions with it: a death that is believed when IAM says so twice, and not before. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openAwsNodes, type AwsNodes } from "../../support/aws-sts-nodes.ts";
import { leaveRoom, overflowArn } from "../../support/scripted-iam.ts";

let nodes: AwsNodes;
beforeEach(async () => {
  nodes = await openAwsNodes();
});
afterEach(() => nodes.close());

const overflow = { overflowPolicy: overflowArn("{role}") };

describe.each([
  ["alone", {}],
  ["with an overflow policy", overflow],
])("aws-sts: a role that is gone, %s", (_, options) => {
  it.each([[true], [false]])("is a death, whether its room was measured before: %s", async (measured) => {
    const node = await nodes.start(options);
    const session = await node.mint();
    nodes.world.roles.clear();
    const killer = measured ? node : await nodes.start(options);
    expect(await killer.kill(session)).toEqual({ kind: "already-gone" });
    expect(await nodes.bench.state(session.lease.id)).toMatchObject({ kind: "revoked", verdict: "already-gone" });
  });

  it("is no kill that was undone", async () => {
    leaveRoom(nodes.world.roles.get(nodes.roleName), 1);
    const node = await nodes.start({ ...options, maxSessions: 1 });
    const session = await node.mint();
    expect((await node.kill(session)).kind).toBe("dead-unverified");
    nodes.world.roles.clear();
    expect(await node.guard()).toBe(0);
    expect((await nodes.bench.state(session.lease.id)).kind).toBe("revoked");
  });

  it("is not believed at one word", async () => {
    const node = await nodes.start(options);
    const session = await node.mint();
    const absent = { kind: "answer", status: 404, body: "<Code>NoSuchEntity</Code>" } as const;
    nodes.world.proxy.breakPath("/ListRolePolicies", absent);
    const other = await nodes.start(options);
    expect(await other.kill(session)).toMatchObject({ kind: "retry", reason: "role_not_found" });
    expect(await nodes.world.reads(session.credential)).toBe(true);
  });
});
