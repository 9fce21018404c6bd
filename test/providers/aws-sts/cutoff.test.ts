/** What a cutoff ends beside what it was for: the ledger learns of it, and nobody is given what is dead when it is made. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openAwsNodes, type AwsNode, type AwsNodes, type Minted } from "../../support/aws-sts-nodes.ts";
import { leaveRoom } from "../../support/scripted-iam.ts";

let nodes: AwsNodes;
beforeEach(async () => {
  nodes = await openAwsNodes();
  leaveRoom(nodes.world.roles.get(nodes.roleName), 2);
});
afterEach(() => nodes.close());

const options = { overflow: "cutoff" };
const reads = ({ credential }: Minted): Promise<boolean> => nodes.world.reads(credential);
const stateOf = async ({ lease }: Minted): Promise<string> => (await nodes.bench.state(lease.id)).kind;
const mintSome = (node: AwsNode, count: number): Promise<Minted[]> =>
  Promise.all(Array.from({ length: count }, () => node.mint()));
async function cutOff(node: AwsNode): Promise<{ killed: readonly Minted[]; collateral: Minted }> {
  const [collateral, ...killed] = await mintSome(node, 4);
  if (collateral === undefined) throw new Error("four were made");
  for (const session of killed) expect((await node.kill(session)).kind).toBe("dead-unverified");
  return { killed, collateral };
}

describe("aws-sts cutoff", () => {
  it("of living leases the ledger learns within a round of the guard, on any node", async () => {
    const { killed, collateral } = await cutOff(await nodes.start(options));
    expect(await Promise.all([...killed, collateral].map(reads))).toEqual([false, false, false, false]);
    expect(await stateOf(collateral), "the lie").toBe("active");
    const other = await nodes.start(options);
    expect(await other.guard()).toBe(0);
    expect(await nodes.bench.state(collateral.lease.id)).toMatchObject({ kind: "revoking", cause: "missing" });
    expect(await other.killDue()).toEqual([{ kind: "dead-unverified" }]);
    expect(await stateOf(collateral)).toBe("revoked");
    const { entries } = await nodes.bench.ledger.listAudit({ taskId: collateral.lease.taskId, after: null, limit: 50 });
    expect(entries.map(({ type }) => type)).toContain("lease.due");
  });

  it("leaves leases that were made after it alone, however often the guard looks", async () => {
    const node = await nodes.start(options);
    await cutOff(node);
    const later: Minted[] = [];
    for (let minute = 0; minute < 4; minute += 1) {
      nodes.bench.clock.advance(60_000);
      later.push(...(await mintSome(node, 2)));
      expect(await node.guard()).toBe(0);
      await node.killDue();
    }
    expect(await Promise.all(later.map(stateOf))).toEqual(later.map(() => "active"));
    expect(await Promise.all(later.map(reads))).toEqual(later.map(() => true));
  });

  it("gives nobody a session that is dead when it is made", async () => {
    const node = await nodes.start(options);
    await cutOff(node);
    await expect(node.mint()).rejects.toThrow("role_is_cut_off");
    nodes.bench.clock.advance(2_000);
    expect(await reads(await node.mint())).toBe(true);
  });

  it("finds one that another node made all the same", async () => {
    const [node, unaware] = [await nodes.start(options), await nodes.start(options)];
    await cutOff(node);
    const stillborn = await unaware.mint();
    expect(await reads(stillborn)).toBe(false);
    await unaware.guard();
    expect(await nodes.bench.state(stillborn.lease.id)).toMatchObject({ kind: "revoking", cause: "missing" });
  });

  it.each([[-30_000], [30_000]])("goes by AWS's clock, which is %d ms ahead of ours", async (skew) => {
    nodes.world.skew = skew;
    const node = await nodes.start(options);
    const { killed, collateral } = await cutOff(node);
    expect(await Promise.all([...killed, collateral].map(reads))).toEqual([false, false, false, false]);
    nodes.bench.clock.advance(2_500);
    const stillborn = skew < 0 ? await node.mint() : collateral;
    expect(await reads(stillborn)).toBe(false);
    await node.guard();
    expect(await Promise.all([collateral, stillborn].map(stateOf))).toEqual(["revoking", "revoking"]);
    await node.killDue();
    nodes.bench.clock.advance(120_000);
    const later = await node.mint();
    await node.guard();
    expect([await stateOf(later), await reads(later)]).toEqual(["active", true]);
  });

  it("is not looked for where none is allowed", async () => {
    const node = await nodes.start({ maxSessions: 2 });
    await mintSome(node, 2);
    const start = nodes.world.proxy.seen.length;
    expect(await node.guard()).toBe(0);
    expect(nodes.world.proxy.seen.slice(start)).toEqual([]);
  });

  it("is not known while IAM does not answer, and that is said", async () => {
    const node = await nodes.start(options);
    const session = await node.mint();
    nodes.world.proxy.breakPath("/GetRolePolicy", { kind: "answer", status: 503, body: "" });
    expect(await node.guard()).toBe(null);
    expect(await stateOf(session)).toBe("active");
  });
});
