/** A million leases of the bench are written past the verbs: they must be in every key what an issued lease is. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { openRedis } from "../../scripts/bench/ledger/place.ts";
import { populateRedis } from "../../scripts/bench/ledger/populate-redis.ts";
import { nodeClock } from "../../src/entry/node-clock.ts";
import { canonicalJson } from "../../src/kernel/canonical-json.ts";
import { addMillis } from "../../src/kernel/time.ts";
import { startRedisLedger, type FlowLedger } from "../support/flow/ledger.ts";

let store: FlowLedger;
beforeEach(async () => {
  store = await startRedisLedger();
});
afterEach(() => store.close());

/** Copies have no audit entries. */
const audited = /\}:(?:audit|trail|hashes)\b/;

/** What the keys hold of a lease, its id and all instants apart. */
function tracesOf(contents: ReadonlyMap<string, Uint8Array>, id: string): readonly string[] {
  const plain = (text: string): string => text.replaceAll(id, "ID").replaceAll(/\d{13}/g, "INSTANT");
  return [...contents]
    .flatMap(([key, bytes]) => {
      if (!key.startsWith("mayfly{") || audited.test(key)) return [];
      const text = Buffer.from(bytes).toString();
      if (key.includes(id)) return [plain(canonicalJson(JSON.parse(text)))];
      return text.includes(id) ? [key] : [];
    })
    .toSorted();
}

it("a copied lease stands where the issued one stands, with the same fields", async () => {
  const { tasks } = await populateRedis({ url: store.setting, leaseCounts: [3] });
  const ledger = await openRedis(store.setting);
  const leases = await Promise.all(tasks.map((taskId) => ledger.listLeases({ taskId, after: null, limit: 10 })));
  await ledger.close();
  const contents = await store.contents();
  const [issued, ...copies] = leases.flat().map(({ id }) => tracesOf(contents, id));
  expect(issued?.length).toBeGreaterThan(1);
  expect(copies).toEqual([issued, issued]);
});

it("leases that shall end at an instant end then, all of them", async () => {
  const dueAt = addMillis(nodeClock.now(), 3_600_000);
  const { tasks } = await populateRedis({ url: store.setting, leaseCounts: [2, 3], dueAt });
  const ledger = await openRedis(store.setting);
  const leases = await Promise.all(tasks.map((taskId) => ledger.listLeases({ taskId, after: null, limit: 10 })));
  await ledger.close();
  expect(leases.flat().map(({ expiresAt }) => expiresAt)).toEqual(Array.from({ length: 5 }, () => dueAt));
});
