/** A million leases of the bench are written past the verbs: they must be in every key what an issued lease is. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { handleOf } from "../../scripts/bench/ledger/commands.ts";
import { openRedis } from "../../scripts/bench/ledger/open-redis.ts";
import { populateRedis } from "../../scripts/bench/ledger/populate-redis.ts";
import { systemClock } from "../../src/entry/system-clock.ts";
import type { TaskId } from "../../src/kernel/ids.ts";
import { addMillis } from "../../src/kernel/time.ts";
import { startRedisLedger, type FlowLedger } from "../support/flow/ledger.ts";

let store: FlowLedger;
beforeEach(async () => {
  store = await startRedisLedger();
});
afterEach(() => store.close());

/** Copies have no audit entries. */
const audited = /\}:(?:audit|trail|hashes)\b/;

/** The keys that are a lease's own or hold its id. */
function placesOf(contents: ReadonlyMap<string, Uint8Array>, id: string): readonly string[] {
  const ledgerKeys = [...contents.keys()].filter((key) => key.startsWith("mayfly{") && !audited.test(key));
  const holds = (key: string): boolean => Buffer.from(contents.get(key) ?? []).includes(id);
  return ledgerKeys.filter((key) => key.includes(id) || holds(key)).map((key) => key.replaceAll(id, "ID"));
}

const read = async (tasks: readonly TaskId[]) => {
  const ledger = await openRedis(store.setting);
  const leases = await Promise.all(tasks.map((taskId) => ledger.listLeases({ taskId, after: null, limit: 10 })));
  await ledger.close();
  return leases.flat();
};

it("a copied lease stands wherever an issued one stands, and reads alike", async () => {
  const { tasks } = await populateRedis({ url: store.setting, leaseCounts: [3] });
  const leases = await read(tasks);
  const contents = await store.contents();
  const [issued, ...copies] = leases.map(({ id }) => placesOf(contents, id).toSorted());
  expect(issued?.length).toBeGreaterThan(1);
  expect(copies).toEqual([issued, issued]);
  const [first] = leases;
  for (const lease of leases) {
    const { id, expiresAt, nativeExpiresAt } = lease;
    expect(lease).toEqual({ ...first, id, expiresAt, nativeExpiresAt, handle: handleOf(id) });
  }
});

it("leases that shall end at an instant end then, all of them", async () => {
  const dueAt = addMillis(systemClock.now(), 3_600_000);
  const { tasks } = await populateRedis({ url: store.setting, leaseCounts: [2, 3], dueAt });
  const leases = await read(tasks);
  expect(leases.map(({ expiresAt }) => expiresAt)).toEqual(Array.from({ length: 5 }, () => dueAt));
});
