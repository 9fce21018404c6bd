/** What another object's shard looks like from here. */
import { describe, expect, it } from "vitest";
import { StoreAwayError } from "../../../src/domain/store-away.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createRemoteShard, type ShardHost } from "../../../src/engines/durable-object/remote-shard.ts";

const clock = createManualClock();
const after: Clock["after"] = (delay, run) => clock.after(delay, run);

describe("a shard that lives in another object", () => {
  it("is asked by the name of the verb, with what was given", async () => {
    const asked: unknown[] = [];
    const host: ShardHost = {
      async ask(...given) {
        asked.push(given);
        return 7;
      },
    };
    expect(await createRemoteShard(() => host, after).purge(500)).toBe(7);
    expect(asked).toEqual([["purge", [500]]]);
  });

  it("is away when the call fails, whatever the runtime says of it", async () => {
    const host: ShardHost = { ask: () => Promise.reject(new Error("internal error; reference = 8a2")) };
    const reading = createRemoteShard(() => host, after).listTargets();
    await expect(reading).rejects.toThrow(StoreAwayError);
    await expect(reading).rejects.not.toThrow(/8a2/);
  });

  it("is asked over one connection, whose calls keep their order, until that fails", async () => {
    let connections = 0;
    let isBroken = false;
    const shard = createRemoteShard(() => {
      connections += 1;
      return { ask: () => (isBroken ? Promise.reject(new Error("gone")) : Promise.resolve(connections)) };
    }, after);
    expect([await shard.purge(1), await shard.purge(1)]).toEqual([1, 1]);
    isBroken = true;
    await expect(shard.purge(1)).rejects.toThrow(StoreAwayError);
    isBroken = false;
    expect(await shard.purge(1)).toBe(2);
  });

  it("is away when a call hangs: nothing of this object waits for it", async () => {
    const host: ShardHost = { ask: () => new Promise(() => {}) };
    const reading = createRemoteShard(() => host, after).listTargets();
    const answer = reading.catch((error: unknown) => error);
    clock.advance(5_000);
    expect(await answer).toBeInstanceOf(StoreAwayError);
  });
});
