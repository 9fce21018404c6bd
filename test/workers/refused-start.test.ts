/** A Worker always starts: what is wrong with it is answered with 503, told in the log, and changes nothing that is stored. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventuallyTrue } from "../support/flow/eventually.ts";
import { startWorkerFlow } from "../support/flow/world.ts";

let world: Awaited<ReturnType<typeof startWorkerFlow>>;
beforeAll(async () => {
  world = await startWorkerFlow();
});
afterAll(() => world.close());

describe("an object that must not be used", () => {
  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ["with another number of shards", { MAYFLY_SHARDS: "4" }, /made with 3 shards: set MAYFLY_SHARDS to that/],
    ["with a setting that cannot be read", { MAYFLY_ISSUER: "broker" }, /MAYFLY_ISSUER/],
    ["without a key ring", { MAYFLY_SIGNING_KEYS: "" }, /MAYFLY_SIGNING_KEYS is missing/],
    ["without a secret of a provider", { FLOW_CLIENT_SECRET: "" }, /has no FLOW_CLIENT_SECRET/],
  ])("%s: refused until it is mended, and what lives there lives on", async (_, changes, reason) => {
    const { broker, servers } = world;
    const task = await world.openTask();
    const { token } = await world.issue({ task });
    const startWith = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const before = broker.text().length;
      await broker.kill();
      await broker.startAgain(env);
      const answer = await fetch(`${broker.publicUrl}/livez`);
      return `${answer.status} ${broker.text().slice(before)}`;
    };
    const refused = await startWith(changes);
    expect(refused).toMatch(/^503 /);
    expect(refused).toMatch(reason);
    expect((await world.exchange({ task })).status).toBe(503);
    expect(await servers.isAlive(token)).toBe(true);

    expect(await startWith({})).toMatch(/^200 /);
    expect(await world.isUsable(token)).toBe(true);
    expect((await world.end(task)).body.summary).toMatchObject({ live: 0, dead: 1 });
    expect(await servers.isAlive(token)).toBe(false);
  });

  it("is woken again by its alarm, until it is mended: what lives there dies though nobody asks", async () => {
    const { broker, servers } = world;
    const task = await world.openTask({ deadline_seconds: 2 });
    const { token } = await world.issue({ task });
    await broker.kill();
    await broker.startAgain({ MAYFLY_SIGNING_KEYS: "" });
    await eventuallyTrue("the alarm was there", async () => /alarm_failed/.test(broker.text()));
    expect(await servers.isAlive(token)).toBe(true);
    await broker.kill();
    await broker.startAgain();
    await eventuallyTrue("it dies", async () => !(await servers.isAlive(token)));
  });
});
