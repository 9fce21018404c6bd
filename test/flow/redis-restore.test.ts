/**
 * A Redis server that is put back to an older snapshot, and `mayfly restore` on it: what lived in the snapshot is killed
 * at its provider, what was ended since stays ended, and only then is anything issued.
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { eventuallyTrue } from "../support/flow/eventually.ts";
import { startNodes, type NodesWorld } from "../support/flow/nodes-world.ts";
import { startRedis, type RedisServer } from "../support/redis-server.ts";
import { redisCli } from "../support/redis-topologies.ts";
import { runCli } from "../cli/run-cli.ts";

let server: RedisServer | null = null;
let started: NodesWorld | null = null;
afterEach(async () => {
  await started?.close();
  await server?.stop();
});

const generationOf = (id: string): string => id.slice(15, 17);

it("kills at the provider what the snapshot brings back, and issues under the next generation", async () => {
  const first = await startRedis();
  server = first;
  const setting = `redis://127.0.0.1:${first.port}`;
  const world = await startNodes(1, { setting, contents: async () => new Map(), close: async () => {} });
  started = world;
  const { servers } = world;
  const [kept, ended] = [await world.openTask(), await world.openTask()];
  const [lives, dies] = [await world.issue({ task: kept }), await world.issue({ task: ended })];
  redisCli(first.port, "save");
  copyFileSync(join(first.folder, "dump.rdb"), join(first.folder, "copy.rdb"));
  expect((await world.end(ended)).body.summary).toMatchObject({ live: 0 });

  const restore = (...more: readonly string[]) => runCli(["restore", "--ledger", setting, ...more]);
  const refused = await restore("--yes");
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/brokers are running[^]*nothing was changed[^]*stop every node/);

  const [node] = world.nodes;
  if (node === undefined) throw new Error("no node");
  node.child.signal("SIGTERM");
  await node.child.exited;
  world.leave(node);
  first.kill("SIGKILL");
  await first.exited;
  copyFileSync(join(first.folder, "copy.rdb"), join(first.folder, "dump.rdb"));
  server = await startRedis([], first);

  const dry = await restore();
  expect(dry).toMatchObject({ code: 0, stdout: "" });
  expect(dry.stderr).toMatch(/ends 2 open tasks and kills 2 live credentials[^]*dry run: nothing was changed/);
  expect(await servers.isAlive(lives.token)).toBe(true);
  const done = await restore("--yes", "--json");
  expect(done).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(done.stdout)).toEqual({
    generation: 2,
    blast_radius: { generation: 1, open_tasks: 2, live_leases: 2 },
  });

  await world.join();
  await eventuallyTrue("it is killed", async () => !(await servers.isAlive(lives.token)));
  expect(await servers.isAlive(dies.token)).toBe(false);
  for (const task of [kept, ended]) {
    const refusal = await world.exchange({ task });
    expect(refusal.status).not.toBe(200);
    await eventuallyTrue("all of it is dead", async () =>
      (await world.leasesOf(task)).every(({ state }) => state === "revoked"),
    );
  }
  const next = await world.openTask();
  expect([kept, next].map(generationOf)).toEqual(["01", "02"]);
  expect(await servers.isAlive((await world.issue({ task: next })).token)).toBe(true);
});
