/**
 * Workers and nodes on one Redis: agents ask a Worker, its object holds the connections, and a node kills. All three are
 * the real ones: workerd, redis-server, `mayfly serve --role worker`.
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateRings } from "../../src/entry/edge/key-rings.ts";
import { createSystemEntropy } from "../../src/entry/system-clock.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { startGatewayWorld, type GatewayWorld } from "../support/flow/gateway-world.ts";
import { startWorkerBroker } from "../support/flow/worker-broker.ts";
import type { Child } from "../support/flow/child.ts";
import type { Body, BrokerClient } from "../support/flow/client.ts";

const gateways = 2;
let world: GatewayWorld;
/** A node that answers requests on the same Redis. */
let node: BrokerClient;
/** Every process of a node. */
let children: readonly Child[];
beforeAll(async () => {
  world = await startGatewayWorld({ gateways });
  const joined = await world.join("api");
  node = joined.client;
  children = [world.killer, joined.child];
}, 60_000);
afterAll(() => world.close());

const newTask = { agent: "bot", templates: [{ template: "report" }], deadline_seconds: 60 };

/** What is told of due leases: `SHARD:INSTANT`. */
async function hearNews(): Promise<{ readonly heard: readonly string[]; close(): void }> {
  const client = new Redis({ host: "127.0.0.1", port: world.redis.port, replyMapping: "legacy" });
  const heard: string[] = [];
  client.on("message", (_, text) => heard.push(text));
  await client.subscribe("mayfly:due");
  return { heard, close: () => client.disconnect() };
}

/** Asks every object. */
const metrics = () => world.operate("GET", "/metrics", { as: "viewer" });

const connectionsBy = async (): Promise<Readonly<Record<string, number>>> => {
  const client = new Redis({ host: "127.0.0.1", port: world.redis.port, replyMapping: "legacy" });
  try {
    const lines = String(await client.client("LIST")).split("\n");
    const names = lines.flatMap((line) => / name=(mayfly-\w+)/.exec(line)?.[1] ?? []);
    return Object.fromEntries(
      Map.groupBy(names, (name) => name)
        .entries()
        .map(([name, { length }]) => [name, length]),
    );
  } finally {
    client.disconnect();
  }
};

describe("a credential of a Worker on a shared Redis", () => {
  it("is issued and used there, and ended by the node", async () => {
    const task = await world.openTask();
    const opaque = await world.issue({ task });
    const own = await world.issue({ task, template: "report" });
    expect([await world.isUsable(opaque.token), await world.isUsable(own.token)]).toEqual([true, true]);
    const ended = await world.end(task);
    expect(ended.body).toMatchObject({ state: "ended", summary: { live: 0, dead: 2, stuck: 0 } });
    expect([await world.isUsable(opaque.token), await world.isUsable(own.token)]).toEqual([false, false]);
  });

  it("lives on while no node runs, its gate closed, and dies with the first that does", async () => {
    const task = await world.openTask();
    const { token } = await world.issue({ task });
    for (const child of children) child.signal("SIGSTOP");
    const news = await hearNews();
    try {
      const ended = await world.end(task, { waitSeconds: 1 });
      expect(news.heard).toHaveLength(1);
      expect(ended.body).toMatchObject({ state: "ended", summary: { live: 1, dead: 0 } });
      expect((await world.exchange({ task })).body.reason).toBe("task_ended");
      expect(await world.isUsable(token)).toBe(true);
    } finally {
      news.close();
      for (const child of children) child.signal("SIGCONT");
    }
    await eventuallyTrue("the node ends it", async () => !(await world.isUsable(token)));
  });
});

describe("what holds between a Worker and a node", () => {
  const others = { Worker: () => node, node: () => world } as const;
  const ones = { Worker: () => world, node: () => node } as const;
  const places = ["Worker", "node"] as const;

  it.each(places)("a task that is opened and ended at the %s is the other's, too", async (place) => {
    const [here, there] = [ones[place](), others[place]()];
    const task = await here.openTask();
    const { token } = await there.issue({ task });
    expect((await here.end(task)).body.summary).toMatchObject({ live: 0, dead: 1 });
    expect(await world.isUsable(token)).toBe(false);
    expect((await there.exchange({ task })).body.reason).toBe("task_ended");
  });

  it.each(places)("an attestation that is used up at the %s is refused at the other", async (place) => {
    const task = await world.openTask({ agent: "once-bot" });
    const attestation = await world.attest("once-bot");
    const wish = { as: "once-bot", task, template: "report", attestation };
    expect((await ones[place]().exchange(wish)).status).toBe(200);
    expect((await others[place]().exchange(wish)).body.reason).toBe("replayed");
    expect((await others[place]().exchange({ ...wish, attestation: await world.attest("once-bot") })).status).toBe(200);
  });

  it("a limit counts what both issued, and what ended at either", async () => {
    const task = await world.openTask();
    const wish = { task, template: "limited" };
    await world.issue(wish);
    await node.issue(wish);
    expect([(await world.exchange(wish)).status, (await node.exchange(wish)).status]).toEqual([429, 429]);
    await node.end(task);
    expect((await world.exchange({ ...wish, task: await world.openTask() })).status).toBe(200);
  });

  it("an idempotency key names one credential, wherever it is asked with", async () => {
    const task = await world.openTask();
    const wish = { task, key: `key-${task}` };
    const first = await world.issue(wish);
    expect((await node.exchange(wish)).body).toMatchObject({ reason: "already_delivered", lease_id: first.lease });
    expect((await world.leasesOf(task)).map(({ lease_id: lease }) => lease)).toEqual([first.lease]);
  });

  it.each(places)("a door closed at the %s keeps the other from issuing, until it is opened", async (place) => {
    const scope = { kind: "agent", name: "other-bot" };
    const task = await world.openTask({ agent: "other-bot" });
    const wish = { as: "other-bot", task, template: "report" };
    expect((await others[place]().exchange(wish)).status).toBe(200);
    const kill = { as: "killer", json: { scope, reason: "drill" } };
    expect((await ones[place]().operate("POST", "/admin/kill", kill)).status).toBeLessThan(300);
    expect((await others[place]().exchange(wish)).body.reason).toBe("door_closed");
    const opened = await others[place]().operate("DELETE", "/admin/doors?scope=agent:other-bot", { as: "killer" });
    expect(opened.status).toBe(204);
    const fresh = await world.openTask({ agent: "other-bot" });
    expect((await ones[place]().exchange({ ...wish, task: fresh })).status).toBe(200);
  });
});

describe("the connections of Workers", () => {
  it("are three an object, however many ask", async () => {
    const tasks = await Promise.all(Array.from({ length: 20 }, () => world.openTask()));
    await Promise.all(tasks.map((task) => world.issue({ task, template: "report" })));
    const now = await connectionsBy();
    // Each of the two nodes has three for its queues besides.
    const lanes = ["issue", "end", "revoke"].map((lane) => now[`mayfly-${lane}`]);
    expect(lanes).toEqual(Array(3).fill(gateways + 2));
    expect(Object.keys(now).toSorted()).toEqual(
      ["bell", "end", "issue", "queue", "revoke", "worker"].map((use) => `mayfly-${use}`),
    );
    expect([now["mayfly-bell"], now["mayfly-queue"]]).toEqual([2, 2]);
    await Promise.all(tasks.map((task) => world.end(task)));
  });

  it("are gone with the Redis, which is told as 503, and are back with it", async () => {
    const task = await world.openTask();
    const { token } = await world.issue({ task });
    await world.withoutRedis(async () => {
      const answers = await Promise.all([
        world.exchange({ task }),
        world.end(task),
        world.send("POST", "/tasks", { as: "planner", json: newTask }),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
      expect(answers.every(({ headers }) => headers.has("retry-after"))).toBe(true);
      expect((await world.send("GET", "/readyz")).status).toBe(503);
    });
    const after = await eventually("it is ended", async () => {
      const ended = await world.end(task);
      return ended.status === 200 ? ended : undefined;
    });
    expect(after.body.summary).toMatchObject({ live: 0, dead: 1 });
    expect(await world.isUsable(token)).toBe(false);
    await eventuallyTrue("it issues", async () => (await world.exchange({ template: "report" })).status === 200);
  });

  it("are made by an object that was woken while the Redis was away, as soon as it is back", async () => {
    await world.withoutRedis(async () => {
      await world.killWorker();
      const refused = await world.send("GET", "/livez");
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    });
    await eventuallyTrue("every object answers", async () => (await metrics()).status === 200);
    expect((await world.send("POST", "/tasks", { as: "planner", json: newTask })).status).toBe(201);
  });
});

describe("what operators see", () => {
  it("is counted by each object under its own name", async () => {
    const text = await eventually("each object has answered something", async () => {
      const told = (await metrics()).text;
      const counters = told.split("\n").filter((line) => line.startsWith("mayfly_http_requests_total"));
      const names = new Set(counters.map((line) => /gateway="(\d)"/.exec(line)?.[1]));
      return names.has("0") && names.has("1") && names.size === gateways ? told : undefined;
    });
    expect(text).toMatch(/^mayfly_tasks_active \d+$/m);
  });

  it("is one policy in force: the same files at this Worker, at a node and at the Worker without a Redis", async () => {
    const alone = await startWorkerBroker({ policy: world.policy, env: world.servers.secrets });
    try {
      const answers = await Promise.all([
        world.operate("GET", "/readyz"),
        node.operate("GET", "/readyz"),
        fetch(`${alone.adminUrl}/readyz`).then(async (answer) => ({ body: (await answer.json()) as Body })),
      ]);
      const digests = answers.map(({ body }) => body.policy_digest);
      expect(digests[0]).toMatch(/./);
      expect(digests).toEqual(Array(3).fill(digests[0]));
    } finally {
      await alone.close();
    }
  }, 60_000);
});

describe("a Worker that lacks a sealing key", () => {
  it("answers nothing and keeps no connection, until the key is back", async () => {
    const task = await world.openTask();
    const { token } = await world.issue({ task });
    const { MAYFLY_SEALING_KEYS: other } = await generateRings(createSystemEntropy());
    await world.worker.kill();
    await world.worker.startAgain({ MAYFLY_SEALING_KEYS: other?.reveal() ?? "" });
    expect((await world.exchange({ task })).status).toBe(503);
    expect(world.worker.text()).toContain("MAYFLY_SEALING_KEYS lacks key");
    await eventuallyTrue("only nodes are connected", async () => (await connectionsBy())["mayfly-issue"] === 2);
    await world.killWorker();
    expect((await world.end(task)).body.summary).toMatchObject({ live: 0, dead: 1 });
    expect(await world.isUsable(token)).toBe(false);
  });
});

describe("a Worker that was killed", () => {
  it("leaves what it issued to the next, and to the node", async () => {
    const [mine, due] = [await world.openTask(), await world.openTask({ deadline_seconds: 2 })];
    const [first, short] = [await world.issue({ task: mine }), await world.issue({ task: due, template: "report" })];
    await world.killWorker();
    await eventuallyTrue("the deadline kills", async () => (await node.leasesOf(due))[0]?.state === "revoked");
    expect(await world.isUsable(short.token)).toBe(false);
    expect(await world.isUsable(first.token)).toBe(true);
    expect((await world.end(mine)).body.summary).toMatchObject({ live: 0, dead: 1 });
    expect(await world.isUsable(first.token)).toBe(false);
  });
});
