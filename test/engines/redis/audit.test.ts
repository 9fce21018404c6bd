/** The audit of several shards: paging while it is written, the chain of each, its sealers, retention. */
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditCursor } from "../../../src/domain/audit-cursor.ts";
import type { AuditEntry } from "../../../src/domain/audit-entry.ts";
import { sealAudit } from "../../../src/engines/redis/audit/audit-chain.ts";
import { trimAudit } from "../../../src/engines/redis/audit/audit-trim.ts";
import type { TaskId } from "../../../src/kernel/ids.ts";
import { millis } from "../../../src/kernel/time.ts";
import type { AuditPage } from "../../../src/ports/ledger-views.ts";
import { createBuilders, operator } from "../../support/builders.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { openRedis, type ShardedLedger } from "../../support/redis-harness.ts";
import { readAll } from "../../kit/ledger/audit.ts";
import { endOf, valueOf } from "../../kit/ledger/bench.ts";
import { firstBrokenEntry } from "../../support/flow/audit-chain.ts";

const shards = 8;
const hourMillis = 3_600_000;
let clock: ManualClock;
let prefix: string;
let node: ShardedLedger;
let other: ShardedLedger;
let builders: ReturnType<typeof createBuilders>;

beforeEach(async () => {
  clock = createManualClock();
  prefix = `audit-${randomBytes(6).toString("hex")}`;
  builders = createBuilders({ clock });
  node = await openRedis({ prefix, clock, shards });
  other = await openRedis({ prefix, clock, shards });
});
afterEach(async () => {
  await Promise.all([node.ledger.close(), other.ledger.close()]);
});

/** Two entries each. */
async function openAndEnd(count: number): Promise<readonly TaskId[]> {
  const ids: TaskId[] = [];
  for (let index = 0; index < count; index += 1) {
    const { id } = valueOf(await node.ledger.openTask(builders.openTask()));
    clock.advance(1);
    valueOf(await node.ledger.endTask(endOf(id)));
    ids.push(id);
  }
  return ids;
}

const nameOf = ({ shard, sequence }: AuditEntry): string => `${shard}:${sequence}`;

function byShard(entries: readonly AuditEntry[]): readonly (readonly AuditEntry[])[] {
  return [...Map.groupBy(entries, ({ shard }) => shard).values()];
}

/** With code of its own, from the members that the HTTP interface tells. */
const brokenIn = (entries: readonly AuditEntry[]): readonly number[] =>
  byShard(entries).flatMap((own) => {
    const lines = own.map(({ at, taskId, leaseId, requestId, ...rest }) => ({
      ...rest,
      at: new Date(at).toISOString(),
      task_id: taskId,
      lease_id: leaseId,
      request_id: requestId,
    }));
    return firstBrokenEntry(lines) ?? [];
  });

describe("pages over shards", () => {
  it("come by time, each full, and tell every entry once", async () => {
    await openAndEnd(60);
    const entries = await readAll(node.ledger, 7);
    expect(byShard(entries).length).toBeGreaterThan(shards / 2);
    expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).toSorted((left, right) => left - right));
    expect(new Set(entries.map(nameOf)).size).toBe(120);
    expect(entries).toHaveLength(120);
    const first = await node.ledger.listAudit({ taskId: null, after: null, limit: 50 });
    expect(first.entries).toEqual(entries.slice(0, 50));
    expect(await readAll(node.ledger)).toEqual(entries);
  });

  it("neither skip nor repeat while entries are written", async () => {
    const writing = openAndEnd(80);
    let isWriting = true;
    void writing.finally(() => (isWriting = false));
    const seen: AuditEntry[] = [];
    let after: AuditCursor | null = null;
    for (let more = true; more;) {
      const wasWriting = isWriting;
      const page: AuditPage = await other.ledger.listAudit({ taskId: null, after, limit: 5 });
      seen.push(...page.entries);
      after = page.next;
      more = wasWriting || page.entries.length > 0;
    }
    await writing;
    expect(seen.map(nameOf).toSorted()).toEqual((await readAll(node.ledger)).map(nameOf).toSorted());
    expect(seen).toHaveLength(160);
    expect(brokenIn(seen)).toEqual([]);
    expect(after).toBe(await node.ledger.auditHead());
  });

  it("the newest are the end of the whole, and lead on to what comes later", async () => {
    await openAndEnd(30);
    const all = await readAll(node.ledger);
    const newest = await node.ledger.listAudit({ taskId: null, after: null, limit: 20, newest: true });
    expect(newest.entries).toEqual(all.slice(-20));
    const [id] = await openAndEnd(1);
    const later = await node.ledger.listAudit({ taskId: null, after: newest.next, limit: 20 });
    expect(later.entries.map(({ type, taskId }) => [type, taskId])).toEqual([
      ["task.opened", id],
      ["task.ended", id],
    ]);
  });

  it("of one task hold its entries, from any node", async () => {
    const ids = await openAndEnd(5);
    for (const taskId of ids) {
      const first = await node.ledger.listAudit({ taskId, after: null, limit: 1 });
      const rest = await other.ledger.listAudit({ taskId, after: first.next, limit: 10 });
      expect([...first.entries, ...rest.entries].map(({ type }) => type)).toEqual(["task.opened", "task.ended"]);
      expect((await node.ledger.listAudit({ taskId, after: rest.next, limit: 10 })).entries).toEqual([]);
    }
  });
});

describe("the chain of a shard", () => {
  it("verifies, whoever sealed it, and two at once do no harm", async () => {
    await openAndEnd(40);
    await Promise.all([sealAudit(node.calls), sealAudit(other.calls), readAll(other.ledger, 9), sealAudit(node.calls)]);
    await openAndEnd(10);
    await Promise.all([sealAudit(node.calls), sealAudit(other.calls)]);
    const entries = await readAll(node.ledger);
    expect(entries).toHaveLength(100);
    expect(brokenIn(entries)).toEqual([]);
    expect(entries).toEqual(await readAll(other.ledger));
    const stored = await Promise.all(
      Array.from({ length: shards }, (_, shard) => node.client.llen(node.calls.shards.key(shard, "hashes", "0"))),
    );
    expect(stored.reduce((sum, count) => sum + count)).toBe(100);
  });

  it("goes on over many lists of hashes", async () => {
    const cause = { ...operator, requestId: builders.ids.request() };
    const draft = { type: "request.refused", taskId: null, leaseId: null, cause, data: {} } as const;
    await Promise.all(Array.from({ length: 2_100 }, () => node.ledger.appendAudit(draft)));
    await Promise.all([sealAudit(node.calls), sealAudit(other.calls)]);
    const entries = await readAll(node.ledger);
    expect(entries).toHaveLength(2_100);
    expect(byShard(entries)).toHaveLength(1);
    expect(brokenIn(entries)).toEqual([]);
  });

  it("shows an entry that was changed after it was sealed", async () => {
    const [taskId] = await openAndEnd(1);
    if (taskId === undefined) throw new Error("no task");
    const shard = node.calls.shards.ofId(taskId);
    await sealAudit(node.calls);
    const key = node.calls.shards.key(shard, "audit");
    const rows = await node.client.xrange(key, "-", "+");
    await node.client.del(key);
    for (const [id, [, body = ""]] of rows) await node.client.xadd(key, id, "b", body.replace("operator", "nobody"));
    expect(JSON.stringify(await readAll(node.ledger))).toContain("nobody");
    expect(brokenIn(await readAll(node.ledger))).toEqual([1]);
  });
});

describe("retention", () => {
  const keep = millis(30 * 24 * hourMillis);
  const trimAll = async (): Promise<number> => {
    for (let trimmed = 0; ;) {
      const page = await trimAudit(node.calls, keep);
      trimmed += page.trimmed;
      if (!page.more) return trimmed;
    }
  };

  it("drops what is too old, and the rest still verifies from what the log says of it", async () => {
    const old = await openAndEnd(300);
    await sealAudit(node.calls);
    clock.advance(keep);
    expect(await trimAll()).toBe(0);
    clock.advance(2 * hourMillis);
    await node.ledger.acceptClock(operator);
    const kept = await openAndEnd(3);
    const before = await readAll(node.ledger);
    expect(await trimAll()).toBe(600);
    expect(await trimAll()).toBe(0);

    const entries = await readAll(node.ledger);
    for (const own of byShard(entries)) {
      const told = own.find(({ type }) => type === "audit.trimmed");
      const through = Number(told?.data["through"]);
      expect(own[0]?.sequence).toBe(through + 1);
      const last = before.find(({ shard, sequence }) => shard === own[0]?.shard && sequence === through);
      expect(told?.data["hash"]).toBe(last?.hash);
    }
    const trimmed = entries.filter(({ type }) => type === "audit.trimmed");
    expect(brokenIn([...before, ...trimmed])).toEqual([]);
    expect(entries.filter(({ type }) => type.startsWith("task."))).toHaveLength(6);
    const ofOld = await node.ledger.listAudit({ taskId: old[0] ?? null, after: null, limit: 9 });
    expect(ofOld.entries).toEqual([]);
    const ofKept = await node.ledger.listAudit({ taskId: kept[0] ?? null, after: null, limit: 9 });
    expect(ofKept.entries).toHaveLength(2);
    expect(await node.client.keys(`${prefix}*trail*`)).toHaveLength(3);
  });

  it("keeps what has no hash yet", async () => {
    await openAndEnd(20);
    clock.advance(keep + 2 * hourMillis);
    expect(await trimAll()).toBe(0);
    await sealAudit(node.calls);
    expect(await trimAll()).toBe(40);
  });

  it("keeps everything while the clock is in doubt", async () => {
    await openAndEnd(20);
    await sealAudit(node.calls);
    clock.jumpWall(keep + 2 * hourMillis);
    expect(await trimAll()).toBe(0);
    await node.ledger.acceptClock(operator);
    expect(await trimAll()).toBe(40);
  });
});
