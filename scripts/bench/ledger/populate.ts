/**
 * A ledger with very many outstanding leases. Tasks and one lease are written by the engine's verbs; the other leases
 * are copies of that one's row, because a million issues would take a minute. What comes out is read back through the
 * engine: the copies must be indistinguishable from issued leases, apart from having no audit entries.
 */
import { DatabaseSync } from "node:sqlite";
import { openSqliteLedger, type SqliteLedger } from "../../../src/engines/node-sqlite/open.ts";
import { systemClock } from "../../../src/entry/system-clock.ts";
import { createNodeLog } from "../../../src/entry/node-log.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import { keyOfId, leaseIdOf, tagOfId, type LeaseId, type TaskId } from "../../../src/kernel/ids.ts";
import { addMillis } from "../../../src/kernel/time.ts";
import { createCommands, handleOf, issueLeases, openTask } from "./commands.ts";

export async function openLedger(file: string, clock: Clock = systemClock): Promise<SqliteLedger> {
  const onFatal = (reason: string): never => {
    process.stderr.write(`the ledger failed: ${reason}\n`);
    process.exit(70);
  };
  const opened = await openSqliteLedger({ file, clock, log: createNodeLog("error"), onFatal });
  if (!opened.ok) throw new Error(opened.fault.message);
  return opened.value;
}

const dayMillis = 24 * 3600 * 1000;
/** Due instants are spread over this, a day from now. */
const spreadMillis = 3_600_000;

/** One task for each of `leaseCounts`, with as many leases. Answers the tasks. */
export async function populate(wish: { file: string; leaseCounts: readonly number[] }): Promise<readonly TaskId[]> {
  const { file, leaseCounts } = wish;
  const commands = createCommands(systemClock);
  const ledger = await openLedger(file);
  const tasks: TaskId[] = [];
  for (const _ of leaseCounts) tasks.push(await openTask(ledger, commands));
  const [first] = tasks;
  if (first === undefined) throw new Error("a ledger without tasks holds no leases");
  const expiresAt = addMillis(systemClock.now(), dayMillis);
  await issueLeases(ledger, commands, { tasks: [first], count: 1, expiresAt: () => expiresAt });
  const [sample] = await ledger.listLeases({ taskId: first, after: null, limit: 1 });
  await ledger.close();
  if (sample === undefined) throw new Error("the sample lease is missing");

  // The sample is the first lease of the first task.
  const missing = leaseCounts.map((count, index) => (index === 0 ? count - 1 : count));
  const copies = missing.reduce((sum, count) => sum + count, 0);
  copyLease(file, { sample: sample.id, tasks, missing, copies });
  await check(file, { sample: sample.id, tasks, leaseCounts });
  return tasks;
}

interface Copying {
  readonly sample: LeaseId;
  readonly tasks: readonly TaskId[];
  readonly missing: readonly number[];
  readonly copies: number;
}

function copyLease(file: string, { sample, tasks, missing, copies }: Copying): void {
  const db = new DatabaseSync(file);
  const tag = tagOfId(sample);
  db.function("handle_of", { deterministic: true }, (key) => JSON.stringify(handleOf(leaseIdOf(Number(key), tag))));
  const columns = db
    .prepare("SELECT name FROM pragma_table_info('lease')")
    .all()
    .map((row) => String(row["name"]));
  const changed: Readonly<Record<string, string>> = {
    key: "lease.key + step.n",
    task_key: "?",
    due_at: `lease.due_at + step.n % ${spreadMillis}`,
    expires_at: `lease.expires_at + step.n % ${spreadMillis}`,
    native_expires_at: `lease.native_expires_at + step.n % ${spreadMillis}`,
    handle: "handle_of(lease.key + step.n)",
  };
  const insert = db.prepare(
    `WITH RECURSIVE step (n) AS (SELECT ? UNION ALL SELECT n + 1 FROM step WHERE n < ?)
     INSERT INTO lease (${columns.join(", ")}) SELECT ${columns.map((name) => changed[name] ?? `lease.${name}`).join(", ")}
     FROM step CROSS JOIN lease ON lease.key = ?`,
  );
  db.exec("PRAGMA synchronous = OFF; BEGIN IMMEDIATE");
  let last = 0;
  for (const [index, taskId] of tasks.entries()) {
    const count = missing[index] ?? 0;
    if (count > 0) insert.run(last + 1, last + count, keyOfId(taskId), keyOfId(sample));
    last += count;
  }
  db.prepare("UPDATE store SET live_leases = live_leases + ?").run(copies);
  db.exec(
    `INSERT OR REPLACE INTO task_tally (task_key, intended, active, revoking, stuck, revoked, expired, mint_failed)
     SELECT task_key, 0, count(*), 0, 0, 0, 0, 0 FROM lease GROUP BY task_key`,
  );
  db.exec("COMMIT; PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

/** The engine must count, list and read the copies as if it had written them. */
async function check(
  file: string,
  wish: { sample: LeaseId; tasks: readonly TaskId[]; leaseCounts: readonly number[] },
): Promise<void> {
  const ledger = await openLedger(file);
  try {
    const total = wish.leaseCounts.reduce((sum, count) => sum + count, 0);
    const { counts, suspended } = await ledger.health();
    if (counts.liveLeases !== total || suspended !== null) throw new Error("the engine counts other leases");
    const [firstTask, lastTask] = [wish.tasks[0], wish.tasks.at(-1)];
    if (firstTask === undefined || lastTask === undefined) throw new Error("the tasks are missing");
    const summary = await ledger.summarize(lastTask);
    if (summary.byState.active !== wish.leaseCounts.at(-1)) throw new Error("the engine sums up other leases");
    const [copy] = await ledger.listLeases({ taskId: lastTask, after: null, limit: 1 });
    const sample = await ledger.readLease(wish.sample);
    const view = copy === undefined ? undefined : await ledger.readLease(copy.id);
    if (copy === undefined || view === undefined || sample === undefined) throw new Error("a copy cannot be read");
    const own = { id: copy.id, taskId: lastTask, handle: handleOf(copy.id) };
    const expected = { ...sample.lease, ...own, expiresAt: copy.expiresAt, nativeExpiresAt: copy.nativeExpiresAt };
    if (JSON.stringify(view.lease) !== JSON.stringify(expected)) throw new Error("a copy differs from its sample");
    if (view.gate.kind !== "open") throw new Error("the gate of a copy is closed");
  } finally {
    await ledger.close();
  }
}
