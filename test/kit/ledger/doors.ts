/** Doors and kill orders: what stands behind a door dies, what does not is left alone, and policy closes doors too. */
import { expect } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import type { DoorScope } from "../../../src/domain/scope.ts";
import {
  agentName,
  cluster,
  invoiceBot,
  issuerName,
  ledgerDb,
  ledgerRead,
  operator,
  providerName,
  templateName,
} from "../../support/builders.ts";
import { accepted, describeRows, drain, refused, sequenceOf, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const close = (bench: Bench, scope: DoorScope, reason = "drill") =>
  bench.ledger.closeDoor({ scope, reason, cause: operator });
const open = (bench: Bench, scope: DoorScope) => bench.ledger.openDoor({ scope, cause: operator });
const agentDoor: DoorScope = { kind: "agent", name: invoiceBot };

/** One lease of the usual names and one that shares none of them. */
async function twoLeases(bench: Bench) {
  const task = await bench.opened();
  const strange = {
    agent: agentName("other"),
    issuer: issuerName("other"),
    template: templateName("other"),
    provider: providerName("other"),
  };
  const opener = { agent: agentName("conductor"), issuer: issuerName("other"), subject: "other" };
  const otherTask = await bench.opened({ agent: strange.agent, opener });
  const inside = await bench.active(task);
  const outside = await bench.active(otherTask, { lease: strange });
  return { task, inside, outside };
}

const scopes: readonly (readonly [scope: DoorScope, hitsOutside: boolean])[] = [
  [{ kind: "all" }, true],
  [agentDoor, false],
  [{ kind: "issuer", name: cluster }, false],
  [{ kind: "template", name: ledgerRead }, false],
  [{ kind: "provider", name: ledgerDb }, false],
];

const kills: readonly Row[] = scopes.map(([scope, hitsOutside]) => [
  `the door of ${scope.kind} kills what stands behind it${hitsOutside ? "" : " and nothing else"}, at the order's instant`,
  async (bench) => {
    const { inside, outside } = await twoLeases(bench);
    expect(await bench.ledger.blastRadius(scope)).toEqual({
      tasks: hitsOutside ? 2 : 1,
      leases: hitsOutside ? 2 : 1,
      byProvider: hitsOutside ? { "ledger-db": 1, other: 1 } : { "ledger-db": 1 },
    });
    valueOf(await close(bench, scope));
    const killOrderedAt = bench.clock.now();
    bench.clock.advance(9000);
    await bench.sweep();
    const killed = { kind: "revoking", cause: "door_closed", killOrderedAt, dueAt: killOrderedAt };
    expect(await bench.state(inside.id)).toMatchObject(killed);
    expect(await bench.state(outside.id)).toMatchObject(hitsOutside ? killed : { kind: "active" });
  },
]);

const doors: readonly Row[] = [
  [
    "a mint under way when the kill was ordered dies, though the door is open again before the walk got to it",
    async (bench) => {
      const task = await bench.opened();
      for (let count = 0; count < 20; count += 1) await bench.active(task);
      const before = await bench.intended(task, { ttlSeconds: 60 });
      valueOf(await close(bench, agentDoor));
      for (let page = 0; page < 4; page += 1) valueOf(await bench.ledger.expandKillOrders(5));
      valueOf(await open(bench, agentDoor));
      const after = await bench.intended(task, { ttlSeconds: 60 });
      expect(valueOf(await bench.ledger.completeMint(bench.completeMint(before))).outcome).toBe("closed");
      expect(valueOf(await bench.ledger.completeMint(bench.completeMint(after))).outcome).toBe("activated");
      await bench.sweep();
      expect((await bench.state(before.id)).kind).toBe("revoking");
      expect((await bench.state(after.id)).kind).toBe("active");
    },
  ],
  [
    "is listed until it is opened, over a restart too",
    async (bench) => {
      const closedAt = bench.clock.now();
      valueOf(await close(bench, agentDoor, "stolen laptop"));
      await bench.sweep();
      await bench.restart();
      expect(await bench.ledger.listDoors()).toEqual([
        { scope: agentDoor, reason: "stolen laptop", closedAt, expanding: false },
      ]);
      expect(await open(bench, agentDoor)).toMatchObject(accepted);
      expect(await bench.ledger.listDoors()).toEqual([]);
      expect(await open(bench, agentDoor)).toEqual(refused("not_found"));
      expect(await open(bench, { kind: "all" })).toEqual(refused("not_found"));
    },
  ],
  [
    "says that it is expanding while leases wait to be walked",
    async (bench) => {
      await bench.active(await bench.opened());
      expect(valueOf(await close(bench, agentDoor)).expanding).toBe(true);
      expect(await bench.ledger.listDoors()).toMatchObject([{ expanding: true }]);
      await bench.sweep();
      expect(await bench.ledger.listDoors()).toMatchObject([{ expanding: false }]);
    },
  ],
  [
    "closing again keeps the first reason and instant, and orders the kill anew",
    async (bench) => {
      const first = await close(bench, agentDoor, "first");
      await bench.sweep();
      bench.clock.advance(1000);
      const second = await close(bench, agentDoor, "second");
      expect(valueOf(second)).toMatchObject({ reason: "first", closedAt: valueOf(first).closedAt });
      expect(sequenceOf(second)).toBeGreaterThan(sequenceOf(first));
      expect((await bench.ledger.dueWork()).sweep).toBe(true);
    },
  ],
  [
    "issues again once opened, and an order still being walked spares what is newer",
    async (bench) => {
      const task = await bench.opened();
      const older = await bench.active(task);
      valueOf(await close(bench, agentDoor));
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(refused("gate_closed"));
      valueOf(await open(bench, agentDoor));
      const newer = await bench.active(task);
      await bench.sweep();
      expect(await bench.state(older.id)).toMatchObject({ kind: "revoking", cause: "door_closed" });
      expect(await bench.state(newer.id)).toMatchObject({ kind: "active" });
    },
  ],
  [
    "orders of two doors that are walked in one page kill what stands behind either",
    async (bench) => {
      const { inside, outside } = await twoLeases(bench);
      for (const name of ["nobody", invoiceBot]) valueOf(await close(bench, { kind: "agent", name: agentName(name) }));
      await bench.sweep();
      expect(await bench.state(inside.id)).toMatchObject({ kind: "revoking", cause: "door_closed" });
      expect(await bench.state(outside.id)).toMatchObject({ kind: "active" });
    },
  ],
  [
    "one of two closed doors is enough to refuse",
    async (bench) => {
      const task = await bench.opened();
      valueOf(await close(bench, agentDoor));
      valueOf(await close(bench, { kind: "all" }));
      valueOf(await open(bench, agentDoor));
      expect((await bench.task(task.id)).gate).toEqual({ kind: "closed", reason: "door_closed", by: null });
      valueOf(await open(bench, { kind: "all" }));
      expect((await bench.task(task.id)).gate).toEqual({ kind: "open" });
    },
  ],
  [
    "the door of the opener's issuer reaches the task's leases, whoever vouched for the agent",
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.active(task, { lease: { issuer: issuerName("agents") } });
      valueOf(await close(bench, { kind: "issuer", name: cluster }));
      await bench.sweep();
      expect(await bench.state(lease.id)).toMatchObject({ kind: "revoking", cause: "door_closed" });
    },
  ],
  [
    "the measured time starts with the earliest order, whichever is walked first",
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.active(task);
      valueOf(await close(bench, agentDoor));
      const killOrderedAt = bench.clock.now();
      bench.clock.advance(4000);
      await bench.ended(task);
      await bench.sweep();
      expect(await bench.state(lease.id)).toMatchObject({ kind: "revoking", cause: "task_ended", killOrderedAt });
    },
  ],
];

const pages: readonly Row[] = [
  [
    "walks in pages, each within its bound, and reaches every lease once",
    async (bench) => {
      const task = await bench.opened();
      const children = await Promise.all([0, 1, 2].map(() => bench.opened({ parentId: task.id })));
      const leases = await Promise.all(
        [task, ...children].flatMap((owner) => [0, 1, 2].map(() => bench.active(owner))),
      );
      await bench.ended(task);
      let total = 0;
      await drain(async () => {
        const { madeDue, more } = valueOf(await bench.ledger.expandKillOrders(2));
        expect(madeDue).toBeLessThanOrEqual(2);
        total += madeDue;
        return more;
      });
      expect(total).toBe(leases.length);
      expect((await bench.ledger.summarize(task.id)).byState).toMatchObject({ active: 0, revoking: leases.length });
      expect(valueOf(await bench.ledger.expandKillOrders(2))).toEqual({ madeDue: 0, more: false });
    },
  ],
  [
    "goes on where it stood after a restart",
    async (bench) => {
      const task = await bench.opened();
      const leases = await Promise.all([0, 1, 2, 3, 4].map(() => bench.active(task)));
      await bench.ended(task);
      valueOf(await bench.ledger.expandKillOrders(2));
      await bench.restart();
      expect((await bench.ledger.dueWork()).sweep).toBe(true);
      await bench.sweep();
      expect((await bench.claim()).leases).toHaveLength(leases.length);
    },
  ],
];

/** Half of them behind the agent's door, on targets of so many leases each. */
async function leasesOfManyTargets(bench: Bench, targets: number, each: number): Promise<readonly Lease[]> {
  const task = await bench.opened({ agent: agentName("conductor") });
  const wishes = Array.from({ length: targets * each }, (_, index) => ({
    provider: providerName(`provider-${index % targets}`),
    agent: index % (2 * targets) < targets ? agentName("other") : invoiceBot,
  }));
  return Promise.all(wishes.map((lease) => bench.active(task, { lease })));
}

/** Where a page runs out of room differs with its size; none may take that for the end of what it walks. */
const smallPages: readonly Row[] = [1, 2, 3, 4, 5, 7].map((limit) => [
  `a door reaches all behind it in pages of ${limit}, over many targets`,
  async (bench) => {
    for (const [targets, each] of [
      [2, 2],
      [3, 4],
      [6, 3],
    ] as const) {
      const leases = await leasesOfManyTargets(bench, targets, each);
      valueOf(await close(bench, agentDoor));
      await drain(async () => valueOf(await bench.ledger.expandKillOrders(limit)).more);
      const states = await Promise.all(leases.map(async ({ id, agent }) => ({ agent, ...(await bench.state(id)) })));
      for (const { agent, kind } of states) expect(kind).toBe(agent === invoiceBot ? "revoking" : "active");
      valueOf(await open(bench, agentDoor));
    }
  },
]);

const load = (bench: Bench, agents: readonly string[], issuers: readonly string[]) =>
  bench.ledger.loadPolicy({
    digest: "d",
    agents: agents.map(agentName),
    issuers: issuers.map(issuerName),
    cause: operator,
  });

const policy: readonly Row[] = [
  [
    "whoever a policy drops is shut out and killed, over a restart too",
    async (bench) => {
      const { inside, outside } = await twoLeases(bench);
      expect(valueOf(await load(bench, ["invoice-bot", "other"], ["prod-cluster", "other"]))).toEqual({ closed: [] });
      await bench.restart();
      const { closed } = valueOf(await load(bench, ["other"], ["prod-cluster", "other"]));
      expect(closed).toEqual([agentDoor]);
      await bench.sweep();
      expect(await bench.state(inside.id)).toMatchObject({ cause: "door_closed" });
      expect(await bench.state(outside.id)).toMatchObject({ kind: "active" });
    },
  ],
  [
    "a policy that is loaded again drops nobody, and adding a name opens nothing",
    async (bench) => {
      valueOf(await load(bench, ["invoice-bot"], ["prod-cluster"]));
      expect(valueOf(await load(bench, ["invoice-bot"], ["prod-cluster"]))).toEqual({ closed: [] });
      expect(valueOf(await load(bench, ["invoice-bot"], []))).toEqual({
        closed: [{ kind: "issuer", name: "prod-cluster" }],
      });
      expect(valueOf(await load(bench, ["invoice-bot"], ["prod-cluster"]))).toEqual({ closed: [] });
      expect(await bench.ledger.openTask(bench.openTask())).toMatchObject(
        refused("gate_closed", { gate: "door_closed" }),
      );
    },
  ],
];

export function describeDoors(make: MakeHarness): void {
  describeRows("doors: what they kill", make, kills);
  describeRows("doors: closing and opening", make, doors);
  describeRows("doors: kill orders", make, [...pages, ...smallPages]);
  describeRows("doors: policy", make, policy);
}
