/** Pointers from fingerprints to leases share buckets, and still end each by itself. */
import { afterEach, expect, it } from "vitest";
import { leaseOfPrint, pointPrint } from "../../../src/engines/redis/across-shards/prints.ts";
import { settle } from "../../../src/engines/redis/across-shards/settle.ts";
import { defineScript, type Reply } from "../../../src/engines/redis/script.ts";
import { brand } from "../../../src/kernel/brand.ts";
import type { Fingerprint } from "../../../src/kernel/digest.ts";
import { leaseIdOf } from "../../../src/kernel/ids.ts";
import { addMillis } from "../../../src/kernel/time.ts";
import { openRedisWorld, type RedisWorld } from "../../support/redis-nodes.ts";

let world: RedisWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

const dayMillis = 24 * 3_600_000;
/** All of one bucket. */
const printOf = (digit: string): Fingerprint => brand<Fingerprint>(`A${digit.repeat(42)}`);

const countScript = defineScript("count_prints", [], "return finish('ok', seq, { call('HLEN', at('prints', 'A')) })");

async function scene() {
  world = await openRedisWorld(1);
  const { clock } = world;
  const { calls } = await world.node();
  let last = 0;
  const point = async (fingerprint: Fingerprint) => {
    last += 1;
    const leaseId = leaseIdOf(last, "0100000000");
    await pointPrint(calls, { fingerprint, leaseId, nativeExpiresAt: addMillis(clock.now(), 1_000) });
    return leaseId;
  };
  const fieldsOf = async (): Promise<Reply> => (await calls.ask(0, countScript, {})).payload[0] ?? null;
  return { clock, calls, point, fieldsOf };
}

it("each leads to its own lease, and an unknown one nowhere", async () => {
  const { calls, point } = await scene();
  const [first, second] = [await point(printOf("b")), await point(printOf("c"))];
  expect(await leaseOfPrint(calls, printOf("b"))).toBe(first);
  expect(await leaseOfPrint(calls, printOf("c"))).toBe(second);
  expect(await leaseOfPrint(calls, printOf("d"))).toBeUndefined();
});

it("one goes with its lease, and not with another", async () => {
  const { calls, point } = await scene();
  const fingerprint = printOf("b");
  const [other, owner] = [await point(printOf("c")), await point(fingerprint)];
  await settle(calls, 0, [{ kind: "print", fingerprint, owner: other }]);
  expect(await leaseOfPrint(calls, fingerprint)).toBe(owner);
  await settle(calls, 0, [{ kind: "print", fingerprint, owner }]);
  expect(await leaseOfPrint(calls, fingerprint)).toBeUndefined();
});

it("one that was left behind ends a year after its native expiry", async () => {
  const { clock, calls, point } = await scene();
  const stray = await point(printOf("b"));
  clock.advance(364 * dayMillis);
  expect(await leaseOfPrint(calls, printOf("b"))).toBe(stray);
  clock.advance(2 * dayMillis);
  expect(await leaseOfPrint(calls, printOf("b"))).toBeUndefined();
});

it("and makes room for those of the same bucket", async () => {
  const { clock, calls, point, fieldsOf } = await scene();
  await point(printOf("b"));
  clock.advance(367 * dayMillis);
  const kept = await point(printOf("c"));
  expect(await fieldsOf()).toBe(1);
  expect(await leaseOfPrint(calls, printOf("c"))).toBe(kept);
});
