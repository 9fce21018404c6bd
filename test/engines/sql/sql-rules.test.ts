/** What holds for every statement of the SQL engine: the shared dialect, and no work that grows with the store. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { createNodeDriver } from "../../../src/engines/node-sqlite/node-driver.ts";
import { createCommitQueue } from "../../../src/engines/node-sqlite/commit-queue.ts";
import { createStore } from "../../../src/engines/node-sqlite/store.ts";
import { startSqlCore } from "../../../src/engines/sql/core.ts";
import { migrations } from "../../../src/engines/sql/migrations.ts";
import type { SqlDriver } from "../../../src/engines/sql/driver.ts";
import { createSqlLedger, type SqlLedgerParts } from "../../../src/engines/sql/ledger.ts";
import { createShardVerbs, type ShardVerbs } from "../../../src/engines/sql/shard-verbs.ts";
import { millis, seconds } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import {
  createBuilders,
  broker,
  cluster,
  clusterUrl,
  fingerprintOf,
  inOneHour,
  ledgerTarget,
  operator,
} from "../../support/builders.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { silentLog } from "../../support/silent.ts";
import { makeTemporaryFolder } from "../../support/sqlite-harness.ts";
import { endOf, sweep, valueOf } from "../../kit/ledger/bench.ts";

const sources = readdirSync("src/engines/sql", { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".ts"),
);

describe("sql: the dialect that a Durable Object shares", () => {
  it.each(sources)("%s sends no transaction statement and no pragma", (name) => {
    const text = readFileSync(join("src/engines/sql", name), "utf8");
    expect(text).not.toMatch(/["'`]\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|ATTACH|VACUUM)\b/);
  });

  it("every table is STRICT, so that a wrong type is refused and not stored", () => {
    const tables = migrations.flatMap(({ sql }) => [...sql.matchAll(/CREATE TABLE (\w+)[^;]*?\)([^;)]*);/gs)]);
    expect(tables.length).toBeGreaterThan(10);
    expect(tables.filter(([, , options]) => !options?.includes("STRICT")).map(([, table]) => table)).toEqual([]);
  });
});

/** Small by nature: configuration, doors, orders; what is owed is paid at once, and read with a bound. */
const mayScan =
  /^SCAN (store|policy|target|standing|door|kill_order|owed|schema_version|sqlite_schema|json_each|subtree|CONSTANT ROW)\b/;

const folder = makeTemporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));

describe("sql: plans", () => {
  it("no statement of any verb or read walks a table that grows", async () => {
    const db = new DatabaseSync(join(folder, "plans.db"));
    const statements = await recordStatements(db);
    expect(statements.size).toBeGreaterThan(60);
    const scans: string[] = [];
    for (const sql of statements) {
      for (const row of db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()) {
        const detail = String(row["detail"]);
        if (sql.endsWith("ORDER BY sequence DESC LIMIT 1") || sql.includes("FROM door ORDER BY")) continue;
        const isScan = detail.startsWith("SCAN") && !mayScan.test(detail) && !detail.startsWith("SCAN (");
        if (isScan || detail.includes("TEMP B-TREE FOR ORDER")) scans.push(`${detail} <- ${sql}`);
      }
    }
    db.close();
    expect(scans).toEqual([]);
  });
});

/** Runs every verb and read once and notes what was prepared. */
async function recordStatements(db: DatabaseSync): Promise<ReadonlySet<string>> {
  const clock = createManualClock();
  const driver = createNodeDriver(db);
  const seen = new Set<string>();
  const noted = (text: string): string => {
    seen.add(text);
    return text;
  };
  const sql: SqlDriver = {
    ...driver,
    all: (text, ...values) => driver.all(noted(text), ...values),
    get: (text, ...values) => driver.get(noted(text), ...values),
    run: (text, ...values) => driver.run(noted(text), ...values),
  };
  const core = startSqlCore({ sql, clock });
  if (!core.ok) throw new Error(core.fault.reason);
  const ballast = { bytes: 0, ensure: () => true, release: () => {} };
  const parts = { db, core: core.value, ballast, clock, log: silentLog, isFull: false, onFatal: () => {} };
  const store = createStore(parts);
  const queue = createCommitQueue((batch) => store.commit(batch));
  const engine = { submit: (verb) => queue.submit(verb), view: () => core.value.view() } satisfies SqlLedgerParts;
  await useAll(createSqlLedger(engine), clock);
  await useAsShard(createShardVerbs(engine), clock);
  return seen;
}

type Verbs = Parameters<typeof sweep>[0] & Omit<Ledger, "health" | "onDue" | "close">;

async function useAll(verbs: Omit<Ledger, "health" | "onDue" | "close">, clock: ReturnType<typeof createManualClock>) {
  const ledger = verbs as Verbs;
  const builders = createBuilders({ clock });
  const limits = (id: Parameters<typeof builders.taskLimit>[0]) => [
    builders.taskLimit(id, 9),
    { limit: "rate", counter: "agent:a", max: 9, perSeconds: seconds(60) },
  ];
  const parent = valueOf(await ledger.openTask(builders.openTask({ heartbeatSeconds: 60 })));
  const task = valueOf(await ledger.openTask(builders.openTask({ parentId: parent.id })));
  valueOf(await ledger.heartbeat({ taskId: parent.id, cause: broker }));
  const replay = {
    issuerUrl: clusterUrl,
    tokenId: "t",
    requestDigest: fingerprintOf("r"),
    expiresAt: inOneHour(clock),
  };
  const idempotency = { key: fingerprintOf("k"), requestDigest: fingerprintOf("r") };
  const wish = { limits: limits(task.id), replay, idempotency };
  const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(task.id, wish)));
  const mint = { sealed: "key-1.x", fingerprint: fingerprintOf("f") };
  valueOf(await ledger.completeMint(builders.completeMint(lease, mint)));
  const next = builders.recordIntent(task.id, { limits: limits(task.id), replaces: lease.id });
  const failed = valueOf(await ledger.recordIntent(next)).lease;
  valueOf(await ledger.failMint({ leaseId: failed.id, reason: "r", cause: broker }));
  valueOf(await ledger.makeDue({ leaseId: lease.id, killCause: "requested", delay: millis(0), cause: broker }));
  const claim = { target: ledgerTarget, limit: 5, claim: millis(1000) };
  valueOf(await ledger.claimDue({ ...claim, fence: "a" }));
  valueOf(await ledger.releaseClaim({ fence: "a" }));
  valueOf(await ledger.claimDue({ ...claim, fence: "b" }));
  const retry = { kind: "retry", reason: "r" } as const;
  valueOf(await ledger.recordVerdict({ leaseId: lease.id, fence: "b", outcome: retry, jitter: 1 }));
  const until = inOneHour(clock);
  const open = { kind: "open", until, reason: "r" } as const;
  valueOf(await ledger.setTarget({ target: ledgerTarget, breaker: open, paused: null, cause: operator }));
  valueOf(
    await ledger.setTarget({ target: ledgerTarget, breaker: { kind: "closed" }, paused: false, cause: operator }),
  );
  await askAll(ledger, { task, lease });
  valueOf(await ledger.loadPolicy({ digest: "d", agents: [task.agent], issuers: [cluster], cause: operator }));
  for (const scope of [{ kind: "all" }, { kind: "agent", name: task.agent }] as const) {
    valueOf(await ledger.closeDoor({ scope, reason: "r", cause: operator }));
    valueOf(await ledger.openDoor({ scope, cause: operator }));
  }
  valueOf(await ledger.endTask(endOf(parent.id)));
  await sweep(ledger);
  valueOf(await ledger.claimDue({ ...claim, fence: "c" }));
  const dead = { kind: "dead-unverified" } as const;
  valueOf(await ledger.recordVerdict({ leaseId: lease.id, fence: "c", outcome: dead, jitter: 1 }));
  clock.advance(30 * 24 * 3600 * 1000);
  valueOf(await ledger.purge(500));
}

/** What shards of one ledger ask of each other: places taken, shared, asked for and given back. */
async function useAsShard(shard: ShardVerbs, clock: ReturnType<typeof createManualClock>): Promise<void> {
  const builders = createBuilders({ clock });
  const limits = [{ limit: "liveLeases", counter: "agent:a", max: 1 }];
  const hold = millis(1000);
  const [first, second] = [builders.ids.lease(), builders.ids.lease()];
  const token = { issuerUrl: clusterUrl, tokenId: "u", requestDigest: fingerprintOf("r"), expiresAt: inOneHour(clock) };
  valueOf(await shard.reserve({ wishes: [{ owner: first, limits, hold, replaces: null }], token }));
  const replaces = { leaseId: first, counters: ["agent:a"] };
  const ride = { owner: second, limits, hold, replaces };
  expect(valueOf(await shard.reserve({ wishes: [ride], token })).kind).toBe("taken");
  clock.advance(2000);
  valueOf(await shard.reserve({ wishes: [{ ...ride, owner: builders.ids.lease() }], token: null }));
  const places = [first, second].map((owner) => ({ counter: "agent:a", owner, holdUntil: 0 }));
  valueOf(await shard.renewPlaces({ places, hold }));
  valueOf(await shard.giveBack({ places, windows: [{ name: "60000:a", endsAt: 1 }], token }));
  const opening = builders.openTask({ limits: [{ limit: "openTasks", counter: "elsewhere:tasks", max: 9 }] });
  valueOf(await shard.openShardTask(opening));
  const intent = builders.recordIntent(opening.task.id, {
    limits: [{ limit: "liveLeases", counter: "elsewhere:agent:a", max: 9 }],
  });
  valueOf(await shard.recordShardIntent(intent));
  expect(await shard.placesToHandOn(intent.lease.id)).toEqual(["agent:a"]);
  await shard.stillHeld([{ counter: "tasks", owner: opening.task.id, holdUntil: 0 }, ...places]);
  valueOf(await shard.forgetOwed([...(await shard.listOwed(10)), ...places]));
  await shard.listDue({ target: ledgerTarget, limit: 10 });
  await shard.listAuditBefore({ taskId: null, after: null, before: 5, limit: 5, newest: true });
}

type Lease = Parameters<Ledger["readLease"]>[0];
type Task = Parameters<Ledger["readTask"]>[0];

async function askAll(ledger: Verbs, { task, lease }: { task: { id: Task }; lease: { id: Lease } }): Promise<void> {
  const page = { after: null, limit: 10 };
  await ledger.readTask(task.id);
  await ledger.readLease(lease.id);
  await ledger.findLease(fingerprintOf("f"));
  await ledger.listLeases({ taskId: task.id, ...page });
  await ledger.listStuck(page);
  await ledger.summarize(task.id);
  await ledger.blastRadius({ kind: "task", id: task.id });
  await ledger.blastRadius({ kind: "issuer", name: cluster });
  await ledger.listTargets();
  await ledger.listDoors();
  await ledger.listAudit({ taskId: task.id, after: null, limit: 10 });
  await ledger.listAudit({ taskId: null, after: null, limit: 10 });
  await ledger.listAudit({ taskId: task.id, after: null, limit: 10, newest: true });
  await ledger.listAudit({ taskId: null, after: null, limit: 10, newest: true });
  await ledger.auditHead();
  await ledger.sealedKeyIds();
  await ledger.dueWork();
}
