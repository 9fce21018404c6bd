/** A store that may lose what it answered is named in every report that rests on it, and in no other answer. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { createWorld, type World } from "./world.ts";

const worlds: World[] = [];
const opened = async (couldLose?: { seconds: number | null; because: string }): Promise<World> => {
  const world = await createWorld({ kills: true, ...(couldLose !== undefined && { couldLose }) });
  worlds.push(world);
  return world;
};
let weak: World;
let forgetful: World;
let sound: World;
beforeAll(async () => {
  weak = await opened({ seconds: 2, because: "appendfsync everysec" });
  forgetful = await opened({ seconds: null, because: "appendonly no" });
  sound = await opened();
});
afterAll(async () => void (await Promise.all(worlds.map((world) => world.close()))));

async function reports(world: World) {
  const id = await world.openTask();
  const ended = await world.send("POST", `/tasks/${id}/end`, { as: "planner", json: { outcome: "completed" } });
  const read = await world.send("GET", `/tasks/${id}`, { as: "planner" });
  const json = { scope: { kind: "agent", name: "nobody" }, reason: "x" };
  const killed = await world.operate("POST", "/admin/kill", { as: "desk", json });
  return [ended, read, killed].map(({ body }) => body["could_lose_seconds"]);
}

it("each report says how much", async () => {
  expect(await reports(weak)).toEqual([2, 2, 2]);
  expect(await reports(forgetful)).toEqual([null, null, null]);
  expect(await reports(sound)).toEqual([undefined, undefined, undefined]);
});

it("readiness says it and why to operators, and nothing to others", async () => {
  expect((await weak.operate("GET", "/readyz")).body["could_lose"]).toEqual({
    seconds: 2,
    because: "appendfsync everysec",
  });
  expect((await sound.operate("GET", "/readyz")).body).not.toHaveProperty("could_lose");
  expect((await weak.send("GET", "/readyz")).body).toEqual({ ready: true, store: "ok" });
});
