/** What is written to every shard, what is gathered from every shard, and shards that do not answer. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditCursor } from "../../../src/domain/audit-cursor.ts";
import type { AuditEntry } from "../../../src/domain/audit-entry.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { createShards, fanOut } from "../../../src/engines/durable-object/across-shards/shards.ts";
import { createShardedLedger } from "../../../src/engines/durable-object/sharded-ledger.ts";
import { millis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { ActivePage } from "../../../src/ports/ledger-views.ts";
import {
  agentName,
  createBuilders,
  fingerprintOf,
  ledgerTarget,
  operator,
  type Builders,
} from "../../support/builders.ts";
import { openShardWorld, type ShardWorld } from "../../support/sharded-harness.ts";
import { silentLog } from "../../support/silent.ts";
import { drain, present, refused, sweep, valueOf } from "../../kit/ledger/bench.ts";

const shardCount = 16;
let world: ShardWorld;
let ledger: Ledger;
let builders: Builders;

beforeEach(() => {
  world = openShardWorld(shardCount);
  ledger = world.process();
  builders = createBuilders({ clock: world.clock });
});
afterEach(async () => {
  world.lose(null);
  await ledger.close();
  await world.close();
});

const shardOf = ({ id }: Pick<Lease, "id">): number => createShards(world.wired()).ofId(id);
const idsOf = (leases: readonly { readonly id: string }[]) => leases.map(({ id }) => id).toSorted();

async function active(agent = agentName("invoice-bot"), sealed: string | null = null): Promise<Lease> {
  const task = valueOf(await ledger.openTask(builders.openTask({ agent })));
  const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(task.id, { lease: { agent } })));
  const mint = builders.completeMint(lease, { sealed, fingerprint: fingerprintOf(lease.id) });
  return valueOf(await ledger.completeMint(mint)).lease;
}
const spread = (count: number, agent?: ReturnType<typeof agentName>): Promise<readonly Lease[]> =>
  Promise.all(Array.from({ length: count }, () => active(agent)));

const kill = async (lease: Lease) =>
  valueOf(await ledger.makeDue({ leaseId: lease.id, killCause: "requested", delay: millis(0), cause: operator }));
const claim = async (fence: string, limit = 50) =>
  valueOf(await ledger.claimDue({ target: ledgerTarget, limit, claim: millis(30_000), fence }));
const stateOf = async ({ id }: Lease) => present(await ledger.readLease(id)).lease.state;

const hit = agentName("hit");
const door = { scope: { kind: "agent", name: hit }, reason: "drill", cause: operator } as const;
const openAs = (agent: ReturnType<typeof agentName>) => ledger.openTask(builders.openTask({ agent }));

it("over one shard it is that shard", () => {
  const [only] = world.wired();
  expect(createShardedLedger({ shards: [present(only)], log: silentLog })).toBe(only);
});

describe("the kill switch over many shards", () => {
  it("closes in every shard, kills behind it wherever that lives, and opens in every shard", async () => {
    const [behind, beside] = [await spread(40, hit), await spread(10)];
    expect(new Set(behind.map(shardOf)).size).toBeGreaterThan(10);
    expect(await ledger.blastRadius(door.scope)).toEqual({ tasks: 40, leases: 40, byProvider: { "ledger-db": 40 } });
    expect(valueOf(await ledger.closeDoor(door))).toMatchObject({ reason: "drill", expanding: true });
    const answers = await Promise.all(Array.from({ length: 40 }, () => openAs(hit)));
    for (const answer of answers) expect(answer).toEqual(refused("gate_closed", { gate: "door_closed" }));
    await sweep(ledger, 15);
    for (const lease of behind) expect(await stateOf(lease)).toMatchObject({ cause: "door_closed" });
    for (const lease of beside) expect(await stateOf(lease)).toMatchObject({ kind: "active" });
    expect(await ledger.listDoors()).toMatchObject([{ scope: door.scope, expanding: false }]);
    valueOf(await ledger.openDoor(door));
    expect(new Set((await Promise.all(answers.map(() => openAs(hit)))).map(({ kind }) => kind))).toEqual(
      new Set(["ok"]),
    );
    expect(await ledger.openDoor(door)).toEqual(refused("not_found"));
  });

  it("is not said to be closed while a shard has not said so; it stands where it was heard, and again makes all alike", async () => {
    world.lose((verb, shard) => (verb === "closeDoor" && shard === 7 ? "refused" : "through"));
    expect(await ledger.closeDoor(door)).toMatchObject({ kind: "unknown" });
    world.lose(null);
    const closedAt = world.clock.now();
    expect(await ledger.listDoors(), "closed anywhere is closed").toMatchObject([{ scope: door.scope, closedAt }]);
    world.clock.advance(1000);
    expect(valueOf(await ledger.closeDoor({ ...door, reason: "again" }))).toMatchObject({ reason: "drill", closedAt });
    const answers = await Promise.all(Array.from({ length: 60 }, () => openAs(hit)));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["conflict"]));
  });

  it("a policy that missed a shard is made good by the next load", async () => {
    const policy = (...agents: readonly string[]) => ({
      digest: "d",
      agents: agents.map(agentName),
      issuers: [],
      cause: operator,
    });
    valueOf(await ledger.loadPolicy(policy("hit", "stays")));
    const leases = await spread(30, hit);
    world.lose((verb, shard) => (verb === "loadPolicy" && shard % 2 === 0 ? "refused" : "through"));
    expect(await ledger.loadPolicy(policy("stays"))).toMatchObject({ kind: "unknown" });
    world.lose(null);
    expect(valueOf(await ledger.loadPolicy(policy("stays")))).toEqual({ closed: [door.scope] });
    await sweep(ledger);
    for (const lease of leases) expect(await stateOf(lease)).toMatchObject({ cause: "door_closed" });
    expect(valueOf(await ledger.loadPolicy(policy("stays")))).toEqual({ closed: [] });
  });
});

describe("a shard that does not answer", () => {
  const away = 3;
  beforeEach(() => world.lose(null));
  const cutOff = () => world.lose((_, shard) => (shard === away ? "refused" : "through"));

  it("keeps no kill of the others waiting, and is killed when it is back", async () => {
    const leases = await spread(60);
    for (const lease of leases) await kill(lease);
    const reachable = leases.filter((lease) => shardOf(lease) !== away);
    expect(reachable.length).toBeLessThan(leases.length);
    cutOff();
    const work = await ledger.dueWork();
    expect(work).toMatchObject({ targets: [{ target: ledgerTarget }], nextAt: work.now + 1000 });
    const claimed = [...(await claim("a", 40)), ...(await claim("b"))];
    expect(idsOf(claimed)).toEqual(idsOf(reachable));
    expect(valueOf(await ledger.expandKillOrders(100))).toEqual({ madeDue: 0, more: false });
    world.lose(null);
    expect(idsOf(await claim("c"))).toEqual(idsOf(leases.filter((lease) => shardOf(lease) === away)));
  });

  it("keeps no issue of the others waiting, and its own are unknown", async () => {
    cutOff();
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => builders.openTask()).map(async (command) => {
        const shard = createShards(world.wired()).ofId(command.task.id);
        return { shard, kind: (await ledger.openTask(command)).kind };
      }),
    );
    expect(answers.filter(({ shard }) => shard === away).map(({ kind }) => kind)).toContain("unknown");
    for (const { shard, kind } of answers) expect(kind).toBe(shard === away ? "unknown" : "ok");
  });

  it("hides no lease of the others, and its own are not said to be nobody's", async () => {
    const leases = await spread(40);
    cutOff();
    const find = async (lease: Lease) => {
      try {
        return (await ledger.findLease(fingerprintOf(lease.id)))?.lease.id;
      } catch {
        return "not known";
      }
    };
    const expected = leases.map((lease) => (shardOf(lease) === away ? "not known" : lease.id));
    expect(await Promise.all(leases.map(find))).toEqual(expected);
    expect(expected).toContain("not known");
  });

  it("makes a read of all reject, for a part is no answer", async () => {
    cutOff();
    for (const read of [ledger.listDoors(), ledger.listTargets(), ledger.health(), ledger.auditHead()])
      await expect(read).rejects.toThrow("unreachable");
  });

  it("where none answers the kill path is unknown", async () => {
    world.lose(() => "refused");
    await expect(ledger.dueWork()).rejects.toThrow("unreachable");
    const command = { target: ledgerTarget, limit: 1, claim: millis(1), fence: "f" };
    expect(await ledger.claimDue(command)).toMatchObject({ kind: "unknown" });
    expect(await ledger.closeOverdueTasks(10)).toMatchObject({ kind: "unknown" });
  });
});

describe("lists over many shards", () => {
  it("no verb has more calls under way than a Worker may have", async () => {
    for (const lease of await spread(3)) await kill(lease);
    const before = world.mostAtOnce();
    const calm = openShardWorld(40);
    const wide = calm.process();
    await wide.health();
    await wide.closeDoor(door);
    await wide.listAudit({ taskId: null, after: null, limit: 200 });
    await wide.listStuck({ after: null, limit: 200 });
    await wide.findLease(fingerprintOf("nobody's"));
    await wide.claimDue({ target: ledgerTarget, limit: 50, claim: millis(1), fence: "f" });
    expect(calm.mostAtOnce()).toBe(fanOut);
    expect(before).toBeGreaterThan(0);
    await calm.close();
  });

  it("stuck and active leases come each once, in pages", async () => {
    const leases = await spread(23);
    const found: Lease[] = [];
    for (let after: string | null = null; ;) {
      const page: ActivePage = await ledger.listActive({ target: ledgerTarget, after, limit: 2 });
      found.push(...page.leases);
      after = page.next;
      if (after === null) break;
    }
    expect(idsOf(found)).toEqual(idsOf(leases));
    for (const lease of leases) await kill(lease);
    for (const lease of await claim("f")) {
      const outcome = { kind: "refused", reason: "denied", fix: "grant" } as const;
      valueOf(await ledger.recordVerdict({ leaseId: lease.id, fence: "f", outcome, jitter: 0 }));
    }
    const first = await ledger.listStuck({ after: null, limit: 15 });
    const second = await ledger.listStuck({ after: first.at(-1)?.id ?? null, limit: 15 });
    expect([first.length, second.length]).toEqual([15, 8]);
    expect([...first, ...second].map(({ id }) => id)).toEqual(idsOf(leases));
    expect(await ledger.listTargets()).toMatchObject([{ stuck: 23 }]);
  });

  it("finds a lease by its fingerprint, whichever shard it is in", async () => {
    for (const lease of await spread(5))
      expect((await ledger.findLease(fingerprintOf(lease.id)))?.lease.id).toBe(lease.id);
  });

  it("tells the audit once, each shard in its order, forwards and from the end", async () => {
    for (let count = 0; count < 12; count += 1) {
      await active();
      world.clock.advance(10);
    }
    const all = (await ledger.listAudit({ taskId: null, after: null, limit: 200 })).entries;
    expect(all).toHaveLength(36);
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted((left, right) => left - right));
    const paged: AuditEntry[] = [];
    let after: AuditCursor | null = null;
    await drain(async () => {
      const page = await ledger.listAudit({ taskId: null, after, limit: 5 });
      paged.push(...page.entries);
      after = page.next;
      return page.entries.length > 0;
    });
    expect(paged).toEqual(all);
    const newest = await ledger.listAudit({ taskId: null, after: null, limit: 7, newest: true });
    expect(newest.entries).toEqual(all.slice(-7));
    expect((await ledger.listAudit({ taskId: null, after: newest.next, limit: 5 })).entries).toEqual([]);
  });

  it("hands out the most urgent of all shards, and what a fence holds again", async () => {
    const leases = await spread(30);
    for (const [index, lease] of leases.entries()) {
      world.clock.advance(index);
      await kill(lease);
    }
    const first = await claim("first", 12);
    expect(first.map(({ id }) => id)).toEqual(leases.slice(0, 12).map(({ id }) => id));
    expect(idsOf(await claim("first", 12))).toEqual(idsOf(first));
    expect(idsOf(await claim("second"))).toEqual(idsOf(leases.slice(12)));
    expect(valueOf(await ledger.releaseClaim({ fence: "first" }))).toEqual({ released: 12 });
  });
});

it("a completion that is asked for while its intent still waits for other shards finds it", async () => {
  const task = valueOf(await ledger.openTask(builders.openTask()));
  const limits = [{ limit: "liveLeases", counter: "template:ledger-read", max: 5 }];
  const command = builders.recordIntent(task.id, { limits });
  const now = world.clock.now();
  const lease = { ...command.lease, expiresAt: now, nativeExpiresAt: now } as unknown as Lease;
  const [recorded, completed] = await Promise.all([
    ledger.recordIntent(command),
    ledger.completeMint(builders.completeMint(lease)),
  ]);
  expect([recorded.kind, completed.kind]).toEqual(["ok", "ok"]);
});
