/** A store that was put back from a copy of its server's data: nothing in it outlives the restore, whatever it held. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { createRestoreHold } from "../../../src/broker/drift/restore-hold.ts";
import { restoreRedisStore } from "../../../src/engines/redis/restore.ts";
import type { LedgerHealth } from "../../../src/ports/ledger-views.ts";
import { createBuilders, ledgerDb } from "../../support/builders.ts";
import { createListedSystem } from "../../support/listed-system.ts";
import { realClock } from "../../support/real-clock.ts";
import { endTask, openAt, openOptions, tryOpen } from "../../support/redis-opened.ts";
import { startRedis, type RedisServer } from "../../support/redis-server.ts";
import { redisCli } from "../../support/redis-topologies.ts";
import { drain, present, valueOf } from "../../kit/ledger/bench.ts";

let server: RedisServer | null = null;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
  await server?.stop();
});

async function scene() {
  const started = await startRedis();
  server = started;
  const url = `redis://127.0.0.1:${started.port}?shards=4`;
  const open = async () => {
    const ledger = await openAt(url);
    closers.push(() => ledger.close());
    return ledger;
  };
  const found: LedgerHealth[] = [];
  return {
    port: started.port,
    url,
    open,
    found,
    restore: (isWanted = true) =>
      restoreRedisStore({
        ...openOptions(url),
        confirm: async (health) => {
          found.push(health);
          return isWanted;
        },
      }),
    /** The server dies, and comes back with what it held at the snapshot. */
    putBack: async () => {
      started.kill("SIGKILL");
      await started.exited;
      copyFileSync(join(started.folder, "copy.rdb"), join(started.folder, "dump.rdb"));
      server = await startRedis([], started);
    },
    snapshot: () => {
      expect(redisCli(started.port, "save").trim()).toBe("OK");
      copyFileSync(join(started.folder, "dump.rdb"), join(started.folder, "copy.rdb"));
    },
    stop: async () => void (await Promise.all(closers.splice(0).map((close) => close()))),
  };
}

it("ends every task of the snapshot, makes every lease due, and issues only when that is done", async () => {
  const at = await scene();
  const builders = createBuilders({ clock: realClock });
  const before = await at.open();
  const [ended, endedLater, open] = [builders.openTask(), builders.openTask(), builders.openTask()];
  for (const one of [ended, endedLater, open]) valueOf(await before.openTask(one));
  const { lease } = valueOf(await before.recordIntent(builders.recordIntent(open.task.id)));
  valueOf(await before.completeMint(builders.completeMint(lease)));
  valueOf(await endTask(before, ended.task.id));
  valueOf(await before.noteProvider({ provider: ledgerDb, seen: { kind: "reconciled" } }));
  at.snapshot();
  valueOf(await endTask(before, endedLater.task.id));
  await at.stop();
  await at.putBack();

  expect(await at.restore(false)).toMatchObject({ ok: true, value: { kind: "left" } });
  expect(at.found).toMatchObject([{ generation: 1, counts: { openTasks: 2, liveLeases: 1 } }]);
  expect(await at.restore()).toMatchObject({ ok: true, value: { kind: "restored", generation: 2 } });

  const ledger = await at.open();
  expect(await ledger.health()).toMatchObject({ generation: 2, suspended: "restoring" });
  expect(await ledger.openTask(builders.openTask())).toMatchObject({ conflict: { why: "restoring" } });
  await drain(async () => valueOf(await ledger.expandKillOrders(500)).more);
  expect(await ledger.health()).toMatchObject({ suspended: null, counts: { openTasks: 0 } });
  const stateOf = async ({ task }: typeof ended) => present(await ledger.readTask(task.id)).task.state;
  expect(await stateOf(ended)).toMatchObject({ outcome: "completed" });
  for (const one of [endedLater, open]) expect(await stateOf(one)).toMatchObject({ reason: "restored" });
  expect(present(await ledger.readLease(lease.id)).lease.state).toMatchObject({
    kind: "revoking",
    cause: "restored",
  });
  expect(await ledger.openTask(builders.openTask())).toMatchObject({ kind: "ok" });

  // What was compared with the provider before the restore says nothing of what was made since.
  const { generation } = await ledger.health();
  const hold = createRestoreHold({ ledger, generation, current: () => createListedSystem().provider });
  await hold.refresh();
  expect(hold.isHeld(ledgerDb)).toBe(true);
  valueOf(await ledger.noteProvider({ provider: ledgerDb, seen: { kind: "reconciled" } }));
  await hold.refresh();
  expect(hold.isHeld(ledgerDb)).toBe(false);
});

it("is refused while a broker lives on it, and changes nothing then", async () => {
  const at = await scene();
  const ledger = await at.open();
  expect(await at.restore()).toMatchObject({ ok: false, fault: { reason: "in_use" } });
  expect(at.found).toEqual([]);
  expect(await ledger.health()).toMatchObject({ generation: 1, suspended: null });
});

it("is refused where there is no ledger, and makes none", async () => {
  const at = await scene();
  expect(await at.restore()).toMatchObject({ ok: false, fault: { reason: "no_ledger" } });
  expect(redisCli(at.port, "dbsize").trim()).toBe("0");
});

it("keeps every broker away when it broke off half-way, and is made up for by the next", async () => {
  const at = await scene();
  await at.open();
  await at.stop();
  redisCli(at.port, "hset", "mayfly{s02}:meta", "gen", "2");
  expect(await tryOpen(at.url)).toMatchObject({ ok: false, fault: { reason: "half_restored" } });
  expect(await at.restore()).toMatchObject({ ok: true, value: { generation: 3 } });
  const ledger = await at.open();
  await drain(async () => valueOf(await ledger.expandKillOrders(500)).more);
  expect(await ledger.health()).toMatchObject({ generation: 3, suspended: null });
});
