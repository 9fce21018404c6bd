/** A row that is gone or cannot be read is told once and keeps nothing else from being killed. */
import { afterEach, expect, it } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import { defineScript } from "../../../src/engines/redis/script.ts";
import { createSignsOfLife } from "../../../src/engines/redis/signs-of-life.ts";
import { homeOfId } from "../../../src/kernel/ids.ts";
import { millis } from "../../../src/kernel/time.ts";
import { spoilLease } from "../../support/redis-lease-row.ts";
import { createBuilders, ledgerTarget, operator } from "../../support/builders.ts";
import { openRedisWorld, type RedisWorld } from "../../support/redis-nodes.ts";
import { silentLog } from "../../support/silent.ts";
import { drain, endOf, present, valueOf } from "../../kit/ledger/bench.ts";

let world: RedisWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

const damageScript = defineScript(
  "damage",
  [],
  `local key = at(c.kind, c.id)
if not c.value then
  call('DEL', key)
elseif c.kind == 'task' then
  call('HSET', key, c.field, c.value)
else
  ${spoilLease("key")}
end
return finish('ok')`,
);
/** Without a value the row is gone; without a field all of it is that text. */
interface Damage {
  readonly field?: string;
  readonly value?: string;
}

async function scene() {
  const opened = await openRedisWorld(1);
  world = opened;
  const { clock } = opened;
  const { ledger, calls } = await opened.node();
  const builders = createBuilders({ clock });
  const task = valueOf(await ledger.openTask(builders.openTask()));
  const active = async (): Promise<Lease> => {
    const id = builders.ids.lease(homeOfId(task.id));
    const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(task.id, { lease: { id } })));
    return valueOf(await ledger.completeMint(builders.completeMint(lease))).lease;
  };
  const leases = [await active(), await active(), await active()] as const;
  return {
    ledger,
    clock,
    task,
    leases,
    builders,
    signs: createSignsOfLife({ calls, log: silentLog }),
    damage: (kind: "lease" | "task", id: string, damage: Damage) => calls.ask(0, damageScript, { kind, id, ...damage }),
    sweep: async () => {
      await drain(async () => valueOf(await ledger.closeOverdueTasks(500)).more);
      await drain(async () => valueOf(await ledger.expandKillOrders(500)).more);
    },
    claim: async (fence: string) =>
      valueOf(await ledger.claimDue({ target: ledgerTarget, limit: 50, claim: millis(30_000), fence })),
    told: async () => {
      const { entries } = await ledger.listAudit({ taskId: null, after: null, limit: 200 });
      return entries.filter(({ type }) => type === "store.poison").map(({ data }) => data["why"]);
    },
  };
}

const damages: readonly [string, Damage, string][] = [
  ["is gone", {}, "gone"],
  ["is no row", { value: "\u0001nonsense" }, "unreadable"],
  ["has no state that is known", { field: "k", value: "nonsense" }, "unreadable"],
  ["has names that are not there", { field: "s", value: "999" }, "unreadable"],
  ["has a due instant that is no number", { field: "ea", value: "soon" }, "unreadable"],
  ["has a handle that only its reader finds broken", { field: "h", value: "{" }, "unreadable"],
];

it.each(damages)("a lease that %s: the others of its task and of its door die", async (_, damage, why) => {
  const at = await scene();
  const [left, broken, right] = at.leases;
  await at.damage("lease", broken.id, damage);
  await at.ledger.closeDoor({ scope: { kind: "all" }, reason: "x", cause: operator });
  await at.ledger.endTask(endOf(at.task.id));
  await at.sweep();
  at.clock.advance(3_600_000);
  await at.sweep();
  expect((await at.ledger.blastRadius({ kind: "all" })).leases).toBe(damage.field === "h" ? 3 : 2);
  const claimed = (await at.claim("a-1")).map(({ id }) => id);
  expect(claimed.toSorted()).toEqual([left.id, right.id].toSorted());
  for (const leaseId of claimed) {
    const verdict = { leaseId, fence: "a-1", outcome: { kind: "dead-unverified" }, jitter: 0.5 } as const;
    valueOf(await at.ledger.recordVerdict(verdict));
  }
  expect(await at.claim("a-2")).toEqual([]);
  expect(await at.told()).toEqual([why]);
  expect((await at.ledger.health()).counts.unreadableRows).toBe(1);
  // What is gone is out of the way for good; what is there is looked at again, and told no second time.
  expect((await at.ledger.dueWork()).targets).toEqual([]);
  at.clock.advance(900_001);
  expect((await at.ledger.dueWork()).targets).toHaveLength(why === "gone" ? 0 : 1);
  expect(await at.claim("a-3")).toEqual([]);
  expect(await at.told()).toEqual([why]);
});

it("what a silent node holds comes back, but for a lease that is gone", async () => {
  const at = await scene();
  await at.signs.say();
  await at.ledger.endTask(endOf(at.task.id));
  await at.sweep();
  expect(await at.claim("dead-1")).toHaveLength(3);
  await at.damage("lease", at.leases[1].id, {});
  for (let second = 0; second < 4; second += 1) {
    at.clock.advance(1_000);
    await at.signs.say();
  }
  expect(await at.claim("b-1")).toHaveLength(2);
});

it.each<[string, Damage, string]>([
  ["is gone", {}, "gone"],
  ["has a deadline that is no number", { field: "d", value: "soon" }, "unreadable"],
])("a task that %s: others lapse", async (_, damage, why) => {
  const at = await scene();
  const other = valueOf(await at.ledger.openTask(at.builders.openTask()));
  await at.damage("task", at.task.id, damage);
  at.clock.advance(8_000_000);
  await at.sweep();
  expect(present(await at.ledger.readTask(other.id)).task.state).toMatchObject({ outcome: "deadline" });
  expect(await at.told()).toContain(why);
});
