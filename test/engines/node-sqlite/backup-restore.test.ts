/** Backup under way and restore: an old copy must not reopen anything that ended after it was made. */
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSqliteLedger, type SqliteLedger } from "../../../src/engines/node-sqlite/open.ts";
import { restoreSqliteLedger } from "../../../src/engines/node-sqlite/restore.ts";
import { migrations } from "../../../src/engines/sql/migrations.ts";
import {
  createBuilders,
  fingerprintOf,
  inOneHour,
  clusterUrl,
  operator,
  type Builders,
} from "../../support/builders.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { makeTemporaryFolder, openOrThrow, sqliteOptions } from "../../support/sqlite-harness.ts";
import { drain, endOf, refused, valueOf } from "../../kit/ledger/bench.ts";

let folder: string;
let clock: ManualClock;
let builders: Builders;
let ledger: SqliteLedger;
const file = (name: string): string => join(folder, name);
const reopen = async (name: string): Promise<SqliteLedger> =>
  (ledger = await openOrThrow(sqliteOptions(file(name), clock)));

beforeEach(async () => {
  folder = makeTemporaryFolder();
  clock = createManualClock();
  builders = createBuilders({ clock });
  await reopen("ledger.db");
});
afterEach(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true });
});

async function activate(taskId: ReturnType<Builders["ids"]["task"]>) {
  const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(taskId)));
  return valueOf(await ledger.completeMint(builders.completeMint(lease))).lease;
}

describe("backup", () => {
  it("copies what is committed while the ledger works on", async () => {
    const task = valueOf(await ledger.openTask(builders.openTask()));
    const before = await activate(task.id);
    const copying = ledger.backup(file("copy.db"));
    for (let index = 0; index < 200; index += 1) {
      // oxlint-disable-next-line no-await-in-loop -- commits between the steps of the copy are the point
      await activate(task.id);
    }
    expect(await copying).toEqual({ ok: true, value: undefined });
    expect(statSync(file("copy.db")).mode & 0o777).toBe(0o600);
    await ledger.close();
    await reopen("copy.db");
    expect(await ledger.readLease(before.id)).toMatchObject({ lease: { state: { kind: "active" } } });
  });

  it.each([
    ["a file that exists", "taken.db", "exists"],
    ["a folder that does not", "missing/copy.db", "no_parent"],
  ])("refuses %s and leaves nothing behind", async (_name, target, reason) => {
    writeFileSync(file("taken.db"), "precious");
    expect(await ledger.backup(file(target))).toMatchObject({ ok: false, fault: { reason } });
    expect(statSync(file("taken.db")).size).toBe(8);
    expect(existsSync(file(`${target}.partial`))).toBe(false);
  });
});

describe("restore", () => {
  it("ends every task, makes every lease due and holds issuing until that is done", async () => {
    const task = valueOf(await ledger.openTask(builders.openTask()));
    const lease = await activate(task.id);
    valueOf(await ledger.recordIntent(builders.recordIntent(task.id)));
    await ledger.backup(file("copy.db"));
    const marker = {
      issuerUrl: clusterUrl,
      tokenId: "t-1",
      requestDigest: fingerprintOf("a"),
      expiresAt: inOneHour(clock),
    };
    valueOf(await ledger.recordIntent(builders.recordIntent(task.id, { replay: marker })));
    valueOf(await ledger.endTask(endOf(task.id)));
    const scope = { kind: "agent", name: task.agent } as const;
    valueOf(await ledger.closeDoor({ scope, reason: "stolen", cause: operator }));
    await ledger.close();
    const restored = restoreSqliteLedger({ from: file("copy.db"), to: file("ledger.db"), clock });
    expect(restored).toMatchObject({
      ok: true,
      value: { generation: 2, replaced: file("ledger.db-before-restore-1") },
    });

    await reopen("ledger.db");
    expect(await ledger.health()).toMatchObject({ generation: 2, suspended: "restoring" });
    expect((await ledger.readTask(task.id))?.gate).toMatchObject({ kind: "closed" });
    expect(await ledger.openTask(builders.openTask())).toMatchObject(refused("suspended", { why: "restoring" }));
    await drain(async () => valueOf(await ledger.expandKillOrders(1)).more);
    expect(await ledger.health()).toMatchObject({ suspended: null, counts: { openTasks: 0, liveLeases: 2 } });
    expect(await ledger.readTask(task.id)).toMatchObject({
      task: { state: { kind: "ended", outcome: "killed", reason: "restored" } },
    });
    expect(await ledger.readLease(lease.id)).toMatchObject({
      lease: { state: { kind: "revoking", cause: "restored" } },
    });

    // What the backup did not know of: the closed door, and the token that was used.
    const openTask = builders.openTask();
    expect(await ledger.openTask(openTask)).toMatchObject(refused("gate_closed", { gate: "door_closed" }));
    valueOf(await ledger.openDoor({ scope, cause: operator }));
    const fresh = valueOf(await ledger.openTask(openTask));
    const replayed = { ...marker, requestDigest: fingerprintOf("b") };
    const again = builders.recordIntent(fresh.id, { replay: replayed, demandKillPath: false });
    expect(await ledger.recordIntent(again)).toMatchObject(refused("replayed"));
  });

  it("takes a backup that an earlier version made, and keeps used tokens from coming again", async () => {
    const old = new DatabaseSync(file("old.db"));
    for (const { version, sql } of migrations.filter((migration) => migration.version <= 4)) {
      old.exec(sql);
      old.prepare("INSERT INTO schema_version (version) VALUES (?)").run(version);
    }
    old.close();
    const task = valueOf(await ledger.openTask(builders.openTask()));
    const used = { issuerUrl: clusterUrl, tokenId: "t-1", expiresAt: inOneHour(clock) };
    const replay = { ...used, requestDigest: fingerprintOf("a") };
    valueOf(await ledger.recordIntent(builders.recordIntent(task.id, { replay })));
    await ledger.close();
    expect(restoreSqliteLedger({ from: file("old.db"), to: file("ledger.db"), clock })).toMatchObject({ ok: true });
    await reopen("ledger.db");
    await drain(async () => valueOf(await ledger.expandKillOrders(10)).more);
    const fresh = valueOf(await ledger.openTask(builders.openTask()));
    const other = { ...used, requestDigest: fingerprintOf("b") };
    const again = builders.recordIntent(fresh.id, { replay: other, demandKillPath: false });
    expect(await ledger.recordIntent(again)).toMatchObject(refused("replayed"));
  });

  it("is refused while a broker uses the ledger, which works on", async () => {
    await ledger.backup(file("copy.db"));
    const restored = restoreSqliteLedger({ from: file("copy.db"), to: file("ledger.db"), clock });
    expect(restored).toMatchObject({ ok: false, fault: { reason: "locked" } });
    expect(await ledger.openTask(builders.openTask())).toMatchObject({ kind: "ok" });
  });

  it("is refused from a ledger in use", () => {
    const restored = restoreSqliteLedger({ from: file("ledger.db"), to: file("new.db"), clock });
    expect(restored).toMatchObject({ ok: false, fault: { reason: "locked" } });
    expect(existsSync(file("new.db"))).toBe(false);
  });

  it("makes a ledger where there was none", async () => {
    await ledger.backup(file("copy.db"));
    const restored = restoreSqliteLedger({ from: file("copy.db"), to: file("new.db"), clock });
    expect(restored).toEqual({ ok: true, value: { generation: 2, replaced: null } });
    await ledger.close();
    await reopen("new.db");
    expect(await ledger.health()).toMatchObject({ generation: 2, suspended: "restoring" });
  });

  it.each([
    ["a missing backup", () => undefined, "not_found"],
    ["a text file", (name: string) => writeFileSync(name, "not a backup, only text".repeat(50)), "not_a_ledger"],
    ["an empty file", (name: string) => writeFileSync(name, ""), "not_a_ledger"],
  ])("refuses %s and leaves the ledger as it is", async (_name, prepare, reason) => {
    prepare(file("copy.db"));
    await ledger.close();
    const restored = restoreSqliteLedger({ from: file("copy.db"), to: file("ledger.db"), clock });
    expect(restored).toMatchObject({ ok: false, fault: { reason } });
    expect(existsSync(file("ledger.db-restoring"))).toBe(false);
    const opened = await openSqliteLedger(sqliteOptions(file("ledger.db"), clock));
    if (!opened.ok) throw new Error(opened.fault.message);
    ledger = opened.value;
    expect(await ledger.health()).toMatchObject({ generation: 1, suspended: null });
  });
});
