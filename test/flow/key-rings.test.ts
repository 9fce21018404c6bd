/** Rotating the key rings between two starts: what lives must stay killable and checkable, or the start is refused. */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { generateSigningKeys } from "../../src/keys/generate.ts";
import { isOnWorkers } from "../support/ledger-kind.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

type Ring = Readonly<Record<string, unknown>>;

const first = { k1: randomBytes(32).toString("base64url") };
const second = { k2: randomBytes(32).toString("base64url") };
const sealing = (active: string, keys: Ring): string => JSON.stringify({ active, keys });

async function newSigningKey(): Promise<Ring> {
  const { keys } = JSON.parse((await generateSigningKeys()).reveal()) as { keys: { jwk: Ring }[] };
  return keys[0]?.jwk ?? {};
}
const signing = (...keys: readonly Ring[]): string => JSON.stringify({ keys });

let world: FlowWorld;
let signingKey: Ring;
beforeEach(async () => {
  signingKey = await newSigningKey();
  world = await startFlow({
    env: {
      MAYFLY_SEALING_KEYS: sealing("k1", first),
      MAYFLY_SIGNING_KEYS: signing({ state: "active", jwk: signingKey }),
    },
  });
});
afterEach(() => world.close());

const restartWith = (env: Readonly<Record<string, string>>) => world.restart(async () => {}, env);

describe("the sealing ring", () => {
  it("with a new key beside the old one: what was sealed before dies, and so does what comes after", async () => {
    const task = await world.openTask();
    const before = await world.issue({ task });
    await restartWith({ MAYFLY_SEALING_KEYS: sealing("k2", { ...first, ...second }) });
    const after = await world.issue({ task });
    const ended = await world.end(task);
    expect(ended.body.leases?.map(({ verdict }) => verdict)).toEqual(["dead-verified", "dead-verified"]);
    expect([await world.isUsable(before.token), await world.isUsable(after.token)]).toEqual([false, false]);
  });

  it("without the key that something living is sealed with: refused, until nothing needs it", async () => {
    const task = await world.openTask();
    const { token } = await world.issue({ task });
    const onlyNew = { MAYFLY_SEALING_KEYS: sealing("k2", second) };
    await expect(restartWith(onlyNew)).rejects.toThrow(/MAYFLY_SEALING_KEYS lacks key k1/);
    expect(await world.isUsable(token)).toBe(true);

    await restartWith({ MAYFLY_SEALING_KEYS: sealing("k2", { ...first, ...second }) });
    await world.end(task);
    expect(await world.isUsable(token)).toBe(false);
    await restartWith(onlyNew);
    expect((await world.exchange({ task: await world.openTask() })).status).toBe(200);
  });
});

describe("the signing ring", () => {
  const retired = (acceptUntil: number) => ({ state: "retired", jwk: signingKey, acceptUntil });
  const inSeconds = (span: number): number => Math.floor(Date.now() / 1000) + span;

  it("with the old key retired: its tokens are good until their task ends; without it they are not", async () => {
    const task = await world.openTask();
    const { token, lease } = await world.issue({ task, template: "report" });
    const active = { state: "active", jwk: await newSigningKey() };
    await restartWith({ MAYFLY_SIGNING_KEYS: signing(active, retired(inSeconds(3600))) });
    const next = await world.issue({ task, template: "report" });
    expect([await world.isUsable(token), await world.isUsable(next.token)]).toEqual([true, true]);
    expect(JSON.parse((await world.send("GET", "/jwks")).text)).toHaveProperty("keys.length", 2);

    await restartWith({ MAYFLY_SIGNING_KEYS: signing(active) });
    expect([await world.isUsable(token), await world.isUsable(next.token)]).toEqual([false, true]);
    // The lease is known all the same, and ends with its task.
    await world.end(task);
    const line = (await world.leasesOf(task)).find(({ lease_id }) => lease_id === lease);
    expect(line?.state).toBe("revoked");
    expect(await world.isUsable(next.token)).toBe(false);
  });
});

describe("rings that were made for development", () => {
  it("are kept in the data folder; a lost one is not replaced in silence while something needs it", async (context) => {
    context.skip(isOnWorkers, "a Worker has no folder to make key rings in");
    const own = await startFlow();
    try {
      const task = await own.openTask();
      await own.issue({ task });
      await own.restart();
      // The new ring that is made names its key otherwise, so the start sees that it opens nothing.
      const removed = own.restart(() => rm(`${own.folder}/data/sealing-keys.json`));
      await expect(removed).rejects.toThrow(/lacks key .*, which living credentials are sealed with/);
    } finally {
      await own.close();
    }
  });
});
