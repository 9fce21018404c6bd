/**
 * An OAuth server that hangs, fails or is rate-limited, and what the kills of another server and of the broker's own tokens
 * take beside it. Whether a token is dead is asked of the server that gave it out; the times are printed, not judged.
 * Ten minutes of the same are played over virtual time in test/sim/neighbours.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { percentile } from "../../scripts/bench/statistics.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import type { Break } from "../support/fault-proxy.ts";
import type { Issued } from "../support/flow/client.ts";
import { oauthPaths } from "../support/flow/servers.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

const calmTemplates = ["other-read", "report"];
const leasesOfEach = 6;
const waves = 3;

const issueAll = async (templates: readonly string[]): Promise<{ task: string; issued: readonly Issued[] }> => {
  const task = await world.openTask();
  const wishes = templates.flatMap((template) => Array.from({ length: leasesOfEach }, () => ({ task, template })));
  return { task, issued: await Promise.all(wishes.map((wish) => world.issue(wish))) };
};

/** Ends tasks of the calm targets one after the other; the milliseconds from each end to each death. */
async function killCalm(): Promise<readonly number[]> {
  const times: number[] = [];
  for (let wave = 0; wave < waves; wave += 1) {
    const { task, issued } = await issueAll(calmTemplates);
    const { body } = await world.end(task);
    expect(body.summary).toMatchObject({ live: 0, dead: issued.length });
    for (const { dead_at } of body.leases ?? [])
      times.push(Date.parse(dead_at ?? "") - Date.parse(body.ended_at ?? ""));
    expect(await Promise.all(issued.map(({ token }) => world.isUsable(token)))).toEqual(issued.map(() => false));
  }
  expect(times).toHaveLength(waves * calmTemplates.length * leasesOfEach);
  return times;
}

const refusing = (status: number, error: string, headers = {}): Break => ({
  kind: "answer",
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify({ error }),
});

describe("beside a server", { timeout: 60_000 }, () => {
  it.each<[string, Break]>([
    ["is rate-limited", refusing(429, "temporarily_unavailable", { "retry-after": "1" })],
    ["answers 500", refusing(500, "server_error")],
    ["hangs", { kind: "hang" }],
  ])("that %s the others' credentials die as ever, and its own in the end", async (name, fault) => {
    const without = await killCalm();
    const { task, issued } = await issueAll(["ledger-read"]);
    const arrival = world.servers.proxy.arrival(oauthPaths.revocation);
    world.servers.proxy.breakPath(oauthPaths.revocation, fault);
    await world.end(task, { waitSeconds: 0 });
    await arrival;

    const beside = await killCalm();
    const [p99, p99Without] = [beside, without].map((times) => percentile(times, 0.99).toFixed(0));
    console.log(`neighbours of a server that ${name}: kill p99 ${p99} ms, without it ${p99Without} ms`);
    expect(await Promise.all(issued.map(({ token }) => world.isUsable(token)))).toEqual(issued.map(() => true));
    expect((await world.leasesOf(task)).map(({ state }) => state)).toEqual(issued.map(() => "revoking"));

    world.servers.proxy.heal();
    await eventually(
      "its own are dead",
      async () => ((await world.leasesOf(task)).every(({ state }) => state === "revoked") ? true : undefined),
      40_000,
    );
    await eventuallyTrue("its breaker is closed", async () => {
      const { targets = [] } = (await world.operate("GET", "/admin/targets", { as: "viewer" })).body;
      return targets.every(({ breaker }) => breaker === "closed");
    });
    expect(await Promise.all(issued.map(({ token }) => world.isUsable(token)))).toEqual(issued.map(() => false));
  });
});
