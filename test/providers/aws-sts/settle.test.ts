/** How long a denial is given to hold everywhere: counted once, whichever node looks and however often it starts anew. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { openAwsNodes, type AwsNodes } from "../../support/aws-sts-nodes.ts";
import { emptyOverflow, leaveRoom, overflowArn } from "../../support/scripted-iam.ts";

let nodes: AwsNodes;
beforeEach(async () => {
  nodes = await openAwsNodes();
});
afterEach(() => nodes.close());

/** What a document's time is short of at most: the longest that its request may have been under way, and a whole second. */
const longestWrite = 8_000;
const settleSeconds = 60;
const untilOf = (verdict: { kind: string; until?: number } | undefined): number =>
  verdict?.kind === "pending" ? (verdict.until ?? 0) : Number.NaN;
const roleOf = () =>
  nodes.world.roles.get(nodes.roleName) ?? { inline: new Map<string, string>(), attached: new Set() };

interface Place {
  readonly options: JsonObject;
  prepare(): void;
  read(): string;
  edit(change: (text: string) => string): void;
}
const own: Place = {
  options: { settleSeconds },
  prepare: () => {},
  read: () => [...roleOf().inline.values()].join(""),
  edit(change) {
    const { inline } = roleOf();
    for (const [name, text] of inline) inline.set(name, change(text));
  },
};
const policyOf = () => nodes.world.policies.get(overflowArn(nodes.roleName));
const overflow: Place = {
  options: { settleSeconds, overflowPolicy: overflowArn("{role}") },
  prepare: () => leaveRoom(roleOf(), 0),
  read: () => policyOf()?.versions.get(policyOf()?.inForce ?? "") ?? "",
  edit: (change) => void policyOf()?.versions.set(policyOf()?.inForce ?? "", change(overflow.read())),
};

describe.each([
  ["the role's own policy", own],
  ["its overflow policy", overflow],
] as const)("aws-sts settle time in %s", (_, place) => {
  const { options } = place;
  beforeEach(() => place.prepare());

  it("goes on across a restart, neither anew nor skipped", async () => {
    const { bench } = nodes;
    const before = await nodes.start(options);
    const session = await before.mint();
    expect(untilOf(await before.kill(session))).toBe(bench.clock.now() + 60_000);
    bench.clock.advance(30_000);
    await bench.restart();
    const after = await nodes.start(options);
    expect(await after.killDue(), "not due before it has settled").toEqual([]);
    bench.clock.advance(30_000);
    const left = untilOf((await after.killDue())[0]) - bench.clock.now();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(longestWrite);
    bench.clock.advance(left);
    expect(await after.killDue()).toEqual([{ kind: "dead-unverified" }]);
    expect(await bench.state(session.lease.id)).toMatchObject({ kind: "revoked", verdict: "dead-unverified" });
  });

  it("is the same for a node that never wrote it", async () => {
    const { bench } = nodes;
    const [first, second] = [await nodes.start(options), await nodes.start(options)];
    const [one, other] = [await first.mint(), await first.mint()];
    await first.kill(one);
    bench.clock.advance(50_000);
    expect(untilOf(await second.kill(other))).toBe(bench.clock.now() + 60_000);
    bench.clock.advance(10_000);
    expect(untilOf((await second.killDue())[0]) - bench.clock.now()).toBeLessThanOrEqual(longestWrite);
  });

  it("is not shortened by what stood there before", async () => {
    const { bench } = nodes;
    const before = await nodes.start(options);
    const [first, second] = [await before.mint(), await before.mint()];
    await before.kill(first);
    bench.clock.advance(50_000);
    await before.kill(second);
    bench.clock.advance(60_000);
    await bench.restart();
    const verdicts = await (await nodes.start(options)).killDue();
    expect(verdicts.map(({ kind }) => kind)).toEqual(["pending", "pending"]);
  });

  it.each([[true], [false]])(
    "begins anew for a denial that was taken away meanwhile; restart: %s",
    async (restarts) => {
      const { bench } = nodes;
      const before = await nodes.start(options);
      await before.kill(await before.mint());
      place.edit(() => emptyOverflow);
      bench.clock.advance(60_000);
      const after = restarts ? await nodes.start(options) : before;
      expect(untilOf((await after.killDue())[0])).toBe(bench.clock.now() + 60_000);
    },
  );

  it.each([[""], ["4102444800"]])("begins anew where the document says it stands since %j", async (stamp) => {
    const { bench } = nodes;
    const before = await nodes.start(options);
    await before.kill(await before.mint());
    place.edit((text) => text.replace(/\d{10}","Effect/, `${stamp}","Effect`));
    bench.clock.advance(60_000);
    expect(untilOf((await (await nodes.start(options)).killDue())[0])).toBe(bench.clock.now() + 60_000);
  });

  it("is not put off by kills that come later, and nothing is written for it", async () => {
    const { bench } = nodes;
    const node = await nodes.start(options);
    const [first, second] = [await node.mint(), await node.mint()];
    await node.kill(first);
    bench.clock.advance(20_000);
    await node.kill(second);
    const written = place.read();
    bench.clock.advance(40_000);
    expect(await node.killDue()).toEqual([{ kind: "dead-unverified" }]);
    bench.clock.advance(20_000);
    expect(await node.killDue()).toEqual([{ kind: "dead-unverified" }]);
    expect(place.read()).toBe(written);
  });
});

describe("aws-sts settle time of a cutoff", () => {
  it("is counted from when it was first seen to stand", async () => {
    const { bench } = nodes;
    leaveRoom(roleOf(), 2);
    const node = await nodes.start({ settleSeconds, overflow: "cutoff" });
    const sessions = [await node.mint(), await node.mint(), await node.mint(), await node.mint()];
    for (const session of sessions) expect((await node.kill(session)).kind).toBe("pending");
    expect(own.read()).toContain("MayflyCutoff");
    bench.clock.advance(60_000);
    expect((await node.killDue()).map(({ kind }) => kind)).toEqual(sessions.map(() => "dead-unverified"));
  });
});
