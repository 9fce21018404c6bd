/** A disk that is full under a SQLite file: nothing is issued any more, and everything can still be ended. Needs the right to mount one. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { isOnSqlite } from "../support/ledger-kind.ts";
import { onSqlite } from "../support/flow/ledger.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";
import { mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";

let world: FlowWorld | undefined;
let disk: SmallDisk | undefined;
beforeAll(async () => {
  if (!isOnSqlite) return;
  disk = mountSmallDisk(32);
  if (disk !== undefined) world = await startFlow({ ledger: onSqlite(join(disk.folder, "ledger.db")) });
});
afterAll(async () => {
  await world?.close();
  disk?.unmount();
});

describe("a full disk under a SQLite file", () => {
  it("stops issuing and opening, never an end, a kill or a verdict; with room again it goes on", async (context) => {
    context.skip(!isOnSqlite, "is about a SQLite file");
    context.skip(world === undefined || disk === undefined, "needs root, to mount a small disk");
    if (world === undefined || disk === undefined) return;
    const [task, second] = [await world.openTask(), await world.openTask()];
    const ofFirst = [await world.issue({ task }), await world.issue({ task, template: "report" })];
    const ofSecond = await world.issue({ task: second });
    disk.fill();

    const refused = await untilRefused(world, task);
    expect(refused.status).toBe(503);
    expect(refused.body.error).toBe("temporarily_unavailable");
    const settled = await world.exchange({ task, template: "report" });
    expect([settled.status, settled.body.reason]).toEqual([503, "suspended"]);
    const opening = await world.send("POST", "/tasks", {
      as: "planner",
      json: { agent: "bot", templates: [{ template: "report" }], deadline_seconds: 60 },
    });
    expect(opening.status).toBe(503);
    const ready = await world.send("GET", "/readyz");
    expect([ready.status, ready.body.ready, ready.body.store]).toEqual([503, false, "disk_full"]);
    expect((await world.send("GET", "/livez")).status).toBe(200);

    const ended = await world.end(task);
    expect(ended.status).toBe(200);
    expect(ended.body.summary?.live).toBe(0);
    for (const { token } of ofFirst) expect(await world.isUsable(token)).toBe(false);
    const json = { scope: { kind: "task", id: second }, reason: "drill" };
    expect((await world.operate("POST", "/admin/kill", { as: "killer", json })).status).toBe(200);
    await eventuallyTrue("the killed one is dead", async () => !(await world?.isUsable(ofSecond.token)));

    disk.clear();
    await eventuallyTrue(
      "it is ready again",
      async () => (await world?.send("GET", "/readyz"))?.status === 200,
      15_000,
    );
    const later = await world.openTask();
    expect((await world.exchange({ task: later })).status).toBe(200);
  });
});

/** What is left in pages that are there already may be used up first. */
const untilRefused = (running: FlowWorld, task: string) =>
  eventually("issuing stops", async () => {
    const answer = await running.exchange({ task, template: "report" });
    return answer.status === 200 ? undefined : answer;
  });
