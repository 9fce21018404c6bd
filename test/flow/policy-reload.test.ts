/** The policy changes under a running broker, or while it is down: what is good takes over, what is bad changes nothing. */
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { agents, policyResources, yamlOf } from "../support/flow/policy.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
let good: string;
beforeAll(async () => {
  world = await startFlow();
  good = yamlOf(policyResources(world.servers.places));
});
afterAll(() => world.close());

const without = (...names: readonly string[]): string =>
  yamlOf(
    policyResources(
      world.servers.places,
      Object.keys(agents).filter((name) => !names.includes(name)),
    ),
  );
const nameOf = (one: { readonly metadata?: unknown }): string => (one.metadata as { name: string }).name;
const write = (text: string) => writeFile(world.policyFile, text);
const digest = async () => (await world.operate("GET", "/readyz")).body.policy_digest ?? "";
const untilDigest = (is: (now: string) => boolean) =>
  eventuallyTrue("the policy in force", async () => is(await digest()));
const openFor = (agent: string) =>
  world.send("POST", "/tasks", {
    as: "planner",
    json: { agent, templates: [{ template: "report" }], deadline_seconds: 60 },
  });

async function refusals(): Promise<number> {
  const { text } = await world.operate("GET", "/metrics", { as: "viewer" });
  return Number(/^mayfly_policy_reload_failures_total (\d+)$/m.exec(text)?.[1] ?? 0);
}

describe("a reload while it runs", () => {
  it("a new template is there, and issues", async () => {
    const before = await digest();
    expect((await world.exchange({ template: "report-new" })).body.reason).toBe("unknown_template");
    const resources = policyResources(world.servers.places);
    const like = resources.find((one) => nameOf(one) === "report");
    await write(yamlOf([...resources, { ...like, metadata: { name: "report-new" } }]));
    await untilDigest((now) => now !== before);
    expect((await world.exchange({ template: "report-new" })).status).toBe(200);
    await write(good);
    await untilDigest((now) => now === before);
    expect((await world.exchange({ template: "report-new" })).body.reason).toBe("unknown_template");
  });

  it.each([
    ["not YAML", (text: string) => `${text}\n---\n{`],
    ["an unknown field", (text: string) => text.replace('"autoTask": true', '"autoTasks": true')],
    ["a reference to nothing", (text: string) => text.replaceAll('"provider": "own"', '"provider": "owm"')],
    ["a secret that is not there", (text: string) => text.replaceAll("FLOW_CLIENT_SECRET", "NO_SUCH_SECRET")],
    ["nothing at all", () => ""],
  ])("%s: refused whole, told, and the last good set goes on", async (_, spoil) => {
    const [before, told] = [await digest(), await refusals()];
    const task = await world.openTask();
    const { token } = await world.issue({ task });
    await write(spoil(good));
    await eventuallyTrue("the refusal is counted", async () => (await refusals()) > told);
    expect(await digest()).toBe(before);
    expect((await world.operate("GET", "/readyz")).status).toBe(200);
    expect(await world.isUsable(token)).toBe(true);
    expect((await world.exchange({ task })).status).toBe(200);
    await write(good);
    await world.end(task);
  });

  it("a template that left: no new credential, but what it gave lives on to its end", async () => {
    const before = await digest();
    const task = await world.openTask();
    const { token } = await world.issue({ task, template: "other-read" });
    const resources = policyResources(world.servers.places);
    await write(yamlOf(resources.filter((one) => nameOf(one) !== "other-read")));
    await untilDigest((now) => now !== before);
    expect((await world.exchange({ task, template: "other-read" })).body.reason).toBe("unknown_template");
    expect(await world.isUsable(token)).toBe(true);
    const ended = await world.end(task);
    expect(ended.body.summary).toMatchObject({ live: 0, dead: 1 });
    expect(await world.isUsable(token)).toBe(false);
    await write(good);
    await untilDigest((now) => now === before);
  });
});

const leaving: readonly [string, (remove: () => Promise<void>) => Promise<void>][] = [
  [
    "while the broker runs",
    async (remove) => {
      const before = await digest();
      await remove();
      await untilDigest((now) => now !== before);
    },
  ],
  ["while the broker is down", (remove) => world.restart(remove)],
];

describe.each(leaving)("an agent that is removed %s", (_, around) => {
  it("gets nothing more, and what it had dies; put back, its door waits for an operator", async () => {
    const task = await world.openTask({ agent: "leaving-bot" });
    const issued = [
      await world.issue({ as: "leaving-bot", task, template: "ledger-read" }),
      await world.issue({ as: "leaving-bot", task, template: "report" }),
    ];
    const bystander = await world.issue({ task: await world.openTask(), template: "ledger-read" });
    await around(() => write(without("leaving-bot")));
    for (const { token } of issued)
      await eventuallyTrue("what it had is dead", async () => !(await world.isUsable(token)));
    expect(await world.isUsable(bystander.token)).toBe(true);
    const unknown = await world.exchange({ as: "leaving-bot", task, template: "report" });
    expect([unknown.status, unknown.body.reason]).toEqual([400, "not_registered"]);
    expect((await openFor("leaving-bot")).status).toBe(403);
    const { doors } = (await world.operate("GET", "/admin/doors", { as: "viewer" })).body;
    expect(doors?.map(({ scope }) => scope)).toEqual(["agent:leaving-bot"]);

    const before = await digest();
    await write(good);
    await untilDigest((now) => now !== before);
    expect((await openFor("leaving-bot")).body.reason).toBe("door_closed");
    expect((await world.operate("DELETE", "/admin/doors?scope=agent:leaving-bot", { as: "killer" })).status).toBe(204);
    expect((await openFor("leaving-bot")).status).toBe(201);
  });
});

describe("an issuer that gets another name", () => {
  it("vouches again, but a token of it that was used stays used", async () => {
    const before = await digest();
    const task = await world.openTask({ agent: "once-bot" });
    const attestation = await world.attest("once-bot");
    expect((await world.exchange({ attestation, task, template: "report" })).status).toBe(200);
    await write(good.replace('"name": "once"', '"name": "only"').replace('"issuer": "once"', '"issuer": "only"'));
    await untilDigest((now) => now !== before);
    const again = await world.exchange({ attestation, task, template: "report" });
    expect([again.status, again.body.reason]).toEqual([400, "replayed"]);
    expect((await world.exchange({ as: "once-bot", task, template: "report" })).status).toBe(200);
    await write(good);
    await untilDigest((now) => now === before);
    // A name that left is a door that closed.
    for (const name of ["once", "only"])
      expect((await world.operate("DELETE", `/admin/doors?scope=issuer:${name}`, { as: "killer" })).status).toBe(204);
  });
});

describe("an issuer that is removed", () => {
  it("is not believed any more, and what it vouched for dies", async () => {
    const before = await digest();
    const task = await world.openTask({ agent: "forge-bot" });
    const { token } = await world.issue({ as: "forge-bot", task, template: "ledger-read" });
    await write(
      yamlOf(policyResources(world.servers.places).filter((one) => !["forge", "forge-bot"].includes(nameOf(one)))),
    );
    await untilDigest((now) => now !== before);
    await eventuallyTrue("what it vouched for is dead", async () => !(await world.isUsable(token)));
    const refused = await world.exchange({ as: "forge-bot", task, template: "ledger-read" });
    expect([refused.status, refused.body.reason]).toEqual([400, "unknown_issuer"]);
    const scopes = await eventually("both doors are closed", async () => {
      const { doors = [] } = (await world.operate("GET", "/admin/doors", { as: "viewer" })).body;
      return doors.length === 2 ? doors.map(({ scope }) => scope) : undefined;
    });
    expect(scopes.toSorted((left, right) => left.localeCompare(right))).toEqual(["agent:forge-bot", "issuer:forge"]);
  });
});
