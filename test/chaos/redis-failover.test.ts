/**
 * Real Sentinels and a real cluster: what was acknowledged survives a failover, what a new master lacks is written
 * again before anything is issued, and a cluster is one ledger whose ends reach every master.
 */
import { afterEach, describe, expect, it } from "vitest";
import { homeOfId, type LeaseId, type TaskId } from "../../src/kernel/ids.ts";
import { millis } from "../../src/kernel/time.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { createBuilders, ledgerTarget, operator } from "../support/builders.ts";
import { realClock } from "../support/real-clock.ts";
import { endTask, mayIssue, openAt, tryOpen } from "../support/redis-opened.ts";
import { masterName, redisCli, startCluster, startSentinels, until } from "../support/redis-topologies.ts";

const builders = createBuilders({ clock: realClock });
const production = { demand: { acceptedLoss: null } };
const patient = { timeout: 90_000 };
let stop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stop.map((end) => end()));
  stop = [];
});

async function openedTask(ledger: Ledger): Promise<TaskId> {
  const opened = await ledger.openTask(builders.openTask());
  if (opened.kind !== "ok") throw new Error(JSON.stringify(opened));
  return opened.value.id;
}

async function mintedLease(ledger: Ledger, taskId: TaskId): Promise<LeaseId> {
  const intent = builders.recordIntent(taskId);
  const id = builders.ids.lease(homeOfId(taskId));
  const recorded = await ledger.recordIntent({ ...intent, lease: { ...intent.lease, id, handle: { planned: id } } });
  if (recorded.kind !== "ok") throw new Error(JSON.stringify(recorded));
  const completed = await ledger.completeMint(builders.completeMint(recorded.value.lease));
  expect(completed).toMatchObject({ kind: "ok", value: { outcome: "activated" } });
  return id;
}

describe("a ledger behind Sentinels", () => {
  async function begin(replicas = 1) {
    const trio = await startSentinels(replicas);
    const url = `redis://${trio.hosts}?sentinel=${masterName}&shards=4`;
    const ledger = await openAt(url, production);
    stop.push(
      () => ledger.close(),
      () => trio.stop(),
    );
    return { trio, ledger, url };
  }

  it("an acknowledged end is not lost when the master dies", patient, async () => {
    const { trio, ledger } = await begin(2);
    expect(ledger.durability).toEqual({ kind: "every_write", lossSeconds: 0, isReplicated: true });
    const tasks = await Promise.all(Array.from({ length: 20 }, () => openedTask(ledger)));
    const answers = await Promise.all(tasks.map((task) => endTask(ledger, task)));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["ok"]));
    trio.master.kill("SIGKILL");
    await until(() => mayIssue(ledger));
    const views = await Promise.all(tasks.map((task) => ledger.readTask(task)));
    expect(views.map((view) => view?.gate)).toEqual(tasks.map((by) => ({ kind: "closed", reason: "task_ended", by })));
    const roles = trio.replicas.map(({ port }) => redisCli(port, "info", "replication").includes("role:master"));
    expect(roles.filter(Boolean)).toHaveLength(1);
  });

  it("without a replica that has it nothing that matters is acknowledged", patient, async () => {
    const { trio, ledger } = await begin();
    const task = await openedTask(ledger);
    for (const replica of trio.replicas) replica.kill("SIGSTOP");
    const answers = await Promise.all([ledger.openTask(builders.openTask()), endTask(ledger, task)]);
    expect(answers).toMatchObject([
      { kind: "unknown", reason: "NOREPLICA" },
      { kind: "unknown", reason: "NOREPLICA" },
    ]);
    // What revokes does not wait for a replica.
    expect((await ledger.dueWork()).sweep).toBe(true);
    for (const replica of trio.replicas) replica.kill("SIGCONT");
    await until(async () => (await endTask(ledger, task)).kind === "ok");
  });

  it("an end that the new master lacks is written again before anything is issued", patient, async () => {
    const { trio, ledger } = await begin();
    const [task, other, third] = [await openedTask(ledger), await openedTask(ledger), await openedTask(ledger)];
    const lease = await mintedLease(ledger, third);
    await Promise.all([task, third].map((ended) => endTask(ledger, ended)));
    // What a failover in the wrong moment does: the promoted master has lost an end, and an intent with its mint.
    const forget = `
      for _, key in ipairs(redis.call('KEYS', '*:task:${task}')) do redis.call('HDEL', key, 'x', 'xa', 'qe', 'xr') end
      for _, key in ipairs(redis.call('KEYS', '*:lease:${lease}')) do redis.call('DEL', key) end
      for _, key in ipairs(redis.call('KEYS', '*:due:*')) do redis.call('ZREM', key, '${lease}') end`;
    redisCli(trio.master.port, "eval", forget, "0");
    expect((await ledger.readTask(task))?.gate.kind).toBe("open");
    await until(() => redisCli(trio.sentinels[0]?.port ?? 0, "sentinel", "failover", masterName).startsWith("OK"));
    await until(async () => (await ledger.health().catch(() => null))?.suspended === "restoring");
    await until(() => mayIssue(ledger));
    expect((await ledger.readTask(task))?.gate.kind).toBe("closed");
    expect((await ledger.readTask(other))?.gate.kind).toBe("open");
    const found = (await ledger.readLease(lease))?.lease;
    expect(found).toMatchObject({ state: { kind: "revoking" }, handle: { name: `at-provider-${lease}` } });
    const claimed = await ledger.claimDue({ target: ledgerTarget, limit: 10, claim: millis(1_000), fence: "f1" });
    expect(claimed).toMatchObject({ kind: "ok", value: [{ id: lease }] });
  });

  it("refuses a name that the Sentinels do not know", patient, async () => {
    const { trio } = await begin();
    const opened = await tryOpen(`redis://${trio.hosts}?sentinel=another`);
    expect(opened).toMatchObject({ ok: false, fault: { reason: "unreachable" } });
  });
});

describe("a ledger on a cluster", () => {
  it("is found from any of its servers, and spreads over all of them", patient, async () => {
    const cluster = await startCluster();
    stop.push(() => cluster.stop());
    const first = cluster.hosts.split(",")[0] ?? "";
    const [one, all] = await Promise.all([openAt(`redis://${first}`, production), openAt(`redis://${cluster.hosts}`)]);
    stop.push(
      () => one.close(),
      () => all.close(),
    );
    const tasks = await Promise.all(Array.from({ length: 60 }, () => openedTask(one)));
    const views = await Promise.all(tasks.map((task) => all.readTask(task)));
    expect(views.map((view) => view?.task.id)).toEqual(tasks);
    const held = cluster.masters.map(({ port }) => Number(redisCli(port, "dbsize")));
    expect(Math.min(...held)).toBeGreaterThan(20);
    const closed = await all.closeDoor({ scope: { kind: "all" }, reason: "drill", cause: operator });
    expect(closed.kind).toBe("ok");
    const gates = await Promise.all(tasks.map(async (task) => (await one.readTask(task))?.gate.kind));
    expect(new Set(gates)).toEqual(new Set(["closed"]));
  });

  it("with a master down, the others go on, and issuing on the whole rests", patient, async () => {
    const cluster = await startCluster(["--cluster-require-full-coverage", "no"]);
    stop.push(() => cluster.stop());
    const ledger = await openAt(`redis://${cluster.hosts}`);
    stop.push(() => ledger.close());
    const tasks = await Promise.all(Array.from({ length: 30 }, () => openedTask(ledger)));
    cluster.masters[0]?.kill("SIGKILL");
    await cluster.masters[0]?.exited;
    await until(async () => !(await mayIssue(ledger)));
    const kinds = (await Promise.all(tasks.map((task) => endTask(ledger, task)))).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["ok", "unknown"]));
  });
});
