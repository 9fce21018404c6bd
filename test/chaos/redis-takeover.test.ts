/**
 * A node with kills in its hands that dies, stops or is paused, while the target hangs: another node takes them over in
 * seconds, although a claim lasts thirty. Whether a token is dead is asked of the server that gave it out.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Issued } from "../support/flow/client.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { startNodes, type Node, type NodesWorld } from "../support/flow/nodes-world.ts";
import { oauthPaths } from "../support/flow/servers.ts";

const leases = 30;
const claimSeconds = 30;

let world: NodesWorld;
beforeEach(async () => {
  world = await startNodes(2);
});
afterEach(() => world.close());

/** The target hangs and a task has ended: one of the two nodes holds most of its kills, or all of them. */
async function holdKills() {
  const task = await world.openTask();
  const tokens = await Promise.all(Array.from({ length: leases }, () => world.issue({ task })));
  world.servers.proxy.breakPath(oauthPaths.revocation, { kind: "hang" });
  await world.end(task, { waitSeconds: 0 });
  const held = await eventually("the kills are claimed", async () => {
    const byClaimer = await heldBy();
    const total = [...byClaimer.values()].reduce((sum, count) => sum + count, 0);
    return total === leases ? byClaimer : undefined;
  });
  const sizes = await Promise.all(
    world.nodes.map(async (node) => ({ node, held: held.get(await claimerOf(node)) ?? 0 })),
  );
  const [holder, other] = sizes.toSorted((left, right) => right.held - left.held);
  if (holder === undefined || other === undefined) throw new Error("not two nodes");
  // What hangs goes on hanging; whatever is asked from now on is answered.
  world.servers.proxy.heal();
  return { holder: holder.node, held: holder.held, other: other.node, task, tokens };
}

const claimerOf = async ({ child }: Node): Promise<string> =>
  String((await child.line("kill_pool_started"))["claimer"]);

/** How many leases each process holds, as the ledger's keys tell. */
async function heldBy(): Promise<ReadonlyMap<string, number>> {
  const keys = [...(await world.ledger.contents())].filter(([key]) => key.includes(":claim:"));
  const held = new Map<string, number>();
  for (const [key, text] of keys) {
    const [, ids] = JSON.parse(Buffer.from(text).toString()) as [string, string[]];
    const claimer = key.slice(key.lastIndexOf(":") + 1, key.lastIndexOf("-"));
    held.set(claimer, (held.get(claimer) ?? 0) + ids.length);
  }
  return held;
}

/** From now until each token is dead where it was made; then the task's report must agree. */
async function secondsUntilDead(by: Node, task: string, tokens: readonly Issued[]): Promise<number> {
  const from = performance.now();
  const isDead = async (): Promise<boolean> => {
    const alive = await Promise.all(tokens.map(({ token }) => world.servers.isAlive(token)));
    return !alive.includes(true);
  };
  await eventuallyTrue("every token is dead", isDead, claimSeconds * 2_000);
  const seconds = (performance.now() - from) / 1000;
  const lines = await eventually("every death is recorded", async () => {
    const all = await by.client.leasesOf(task);
    return all.every(({ state }) => state === "revoked") ? all : undefined;
  });
  expect(lines).toHaveLength(leases);
  return seconds;
}

describe("kills that a node holds", { timeout: 90_000 }, () => {
  it("are another's within seconds of its SIGKILL", async () => {
    const { holder, held, other, task, tokens } = await holdKills();
    world.leave(holder);
    holder.child.signal("SIGKILL");
    await holder.child.exited;
    const seconds = await secondsUntilDead(other, task, tokens);
    console.log(`takeover: ${held} kills of a node that was killed, all dead ${seconds.toFixed(1)} s later`);
    expect(await other.child.line("claims_given_back")).toMatchObject({ leases: held });
    expect(seconds).toBeLessThan(claimSeconds / 2);
  });

  it("are another's as soon as its stop has waited for them in vain", async () => {
    const { holder, other, task, tokens } = await holdKills();
    world.leave(holder);
    const from = performance.now();
    holder.child.signal("SIGTERM");
    expect(await holder.child.exited).toBe(0);
    const stopped = (performance.now() - from) / 1000;
    const seconds = await secondsUntilDead(other, task, tokens);
    console.log(
      `takeover: of a node that stopped within ${stopped.toFixed(1)} s, all dead ${seconds.toFixed(1)} s later`,
    );
    // Given back by itself: nobody had to notice that it is gone.
    expect(other.child.log.some(({ event }) => event === "claims_given_back")).toBe(false);
    expect(seconds).toBeLessThan(claimSeconds / 2);
  });

  it("are another's while it is paused; back again it records nothing twice and goes on working", async () => {
    const { holder, other, task, tokens } = await holdKills();
    holder.child.signal("SIGSTOP");
    world.leave(holder);
    const seconds = await secondsUntilDead(other, task, tokens);
    console.log(`takeover: of a node that was paused, all dead ${seconds.toFixed(1)} s later`);
    holder.child.signal("SIGCONT");
    const refused = await holder.child.line("verdict_not_recorded");
    expect(refused["why"]).toBe("fence_lost");
    const revoked = (await other.client.audit(task)).filter(({ type }) => type === "lease.revoked");
    expect(new Set(revoked.map(({ lease_id }) => lease_id)).size).toBe(revoked.length);
    const later = await holder.client.openTask();
    const { token } = await holder.client.issue({ task: later });
    expect((await holder.client.end(later)).body.summary).toMatchObject({ live: 0, dead: 1 });
    expect(await world.servers.isAlive(token)).toBe(false);
    expect(seconds).toBeLessThan(claimSeconds / 2);
  });
});
