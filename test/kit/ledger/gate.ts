/** The gate (promise P2): each way to close it refuses every verb that it guards, and its open twin refuses none. */
import { describe, expect, it } from "vitest";
import type { GateReason } from "../../../src/domain/gate.ts";
import type { DoorScope } from "../../../src/domain/scope.ts";
import type { Task } from "../../../src/domain/task.ts";
import {
  agentName,
  broker,
  cluster,
  invoiceBot,
  issuerName,
  ledgerDb,
  ledgerRead,
  operator,
  providerName,
  templateName,
} from "../../support/builders.ts";
import {
  accepted,
  createBench,
  describeRows,
  endOf,
  refused,
  sequenceOf,
  valueOf,
  type Bench,
  type Row,
} from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

interface Family {
  readonly root: Task;
  readonly parent: Task;
  readonly task: Task;
}

interface Closing {
  readonly name: string;
  /** Null: the gate stays open, everything is accepted. */
  readonly reason: GateReason | null;
  /** Template and provider doors bar credentials, not tasks. */
  readonly barsTasks?: false;
  close(bench: Bench, family: Family): unknown;
}

const door = (scope: DoorScope) => (bench: Bench) =>
  bench.ledger.closeDoor({ scope, reason: "drill", cause: operator });

const closings: readonly Closing[] = [
  { name: "nothing happened", reason: null, close: () => undefined },
  { name: "the task ended", reason: "task_ended", close: (bench, { task }) => bench.ledger.endTask(endOf(task.id)) },
  {
    name: "its parent ended",
    reason: "task_ended",
    close: (bench, { parent }) => bench.ledger.endTask(endOf(parent.id)),
  },
  { name: "its root ended", reason: "task_ended", close: (bench, { root }) => bench.ledger.endTask(endOf(root.id)) },
  { name: "one millisecond before the heartbeat is due", reason: null, close: (bench) => bench.clock.advance(59_999) },
  { name: "the heartbeat is due", reason: "heartbeat_lost", close: (bench) => bench.clock.advance(60_000) },
  {
    name: "the root's deadline, beaten to the last",
    reason: "deadline",
    async close(bench, { task }) {
      bench.clock.advance(59_000);
      await bench.ledger.heartbeat({ taskId: task.id, cause: broker });
      bench.clock.advance(1000 + 30_000);
    },
  },
  {
    name: "one millisecond before the root's deadline",
    reason: null,
    async close(bench, { task }) {
      bench.clock.advance(59_000);
      await bench.ledger.heartbeat({ taskId: task.id, cause: broker });
      bench.clock.advance(1000 + 29_999);
    },
  },
  { name: "the door of all", reason: "door_closed", close: door({ kind: "all" }) },
  { name: "the agent's door", reason: "door_closed", close: door({ kind: "agent", name: invoiceBot }) },
  { name: "another agent's door", reason: null, close: door({ kind: "agent", name: agentName("other") }) },
  { name: "the issuer's door", reason: "door_closed", close: door({ kind: "issuer", name: cluster }) },
  { name: "another issuer's door", reason: null, close: door({ kind: "issuer", name: issuerName("other") }) },
  {
    name: "the template's door",
    reason: "door_closed",
    barsTasks: false,
    close: door({ kind: "template", name: ledgerRead }),
  },
  { name: "another template's door", reason: null, close: door({ kind: "template", name: templateName("other") }) },
  {
    name: "the provider's door",
    reason: "door_closed",
    barsTasks: false,
    close: door({ kind: "provider", name: ledgerDb }),
  },
  { name: "another provider's door", reason: null, close: door({ kind: "provider", name: providerName("other") }) },
];

/** Root with the nearest deadline, a parent, and a task that owes heartbeats. */
async function family(bench: Bench): Promise<Family> {
  const root = await bench.opened({ deadlineSeconds: 90 });
  const parent = await bench.opened({ parentId: root.id });
  const task = await bench.opened({ parentId: parent.id, heartbeatSeconds: 60 });
  return { root, parent, task };
}

function describeClosing(make: MakeHarness, closing: Closing): void {
  const { name, reason, barsTasks } = closing;
  const verdict = reason === null ? "accepts" : "refuses";
  it(`${name}: ${verdict} what the gate guards`, async () => {
    const harness = await make();
    try {
      const bench = createBench(harness);
      const tasks = await family(bench);
      const inFlight = await bench.intended(tasks.task, { mintTimeoutSeconds: 300, ttlSeconds: 600 });
      await closing.close(bench, tasks);

      const expected = reason === null ? accepted : refused("gate_closed", { gate: reason });
      const expectedOfTasks = barsTasks === false ? accepted : expected;
      const intent = bench.recordIntent(tasks.task.id);
      expect(await bench.ledger.recordIntent(intent)).toMatchObject(expected);
      expect((await bench.ledger.readLease(intent.lease.id)) === undefined).toBe(reason !== null);
      expect(await bench.ledger.openTask(bench.openTask({ parentId: tasks.task.id }))).toMatchObject(expectedOfTasks);
      expect((await bench.lease(inFlight.id)).gate).toMatchObject(
        reason === null ? { kind: "open" } : { kind: "closed", reason },
      );

      const completion = valueOf(
        await bench.ledger.completeMint(bench.completeMint(inFlight, { sealed: "k1.nonce.kept" })),
      );
      const now = bench.clock.now();
      const activated = {
        outcome: "activated",
        lease: { sealed: "k1.nonce.kept", state: { kind: "active", activatedAt: now } },
      };
      const state = { kind: "revoking", cause: "gate_closed", killOrderedAt: now, dueAt: now, outcomeUnknown: false };
      const closed = { outcome: "closed", lease: { sealed: "k1.nonce.kept", state } };
      expect(completion).toMatchObject(reason === null ? activated : closed);
      const { leases } = await bench.claim();
      expect(leases.some((lease) => lease.id === inFlight.id)).toBe(reason !== null);
      expect(await bench.ledger.heartbeat({ taskId: tasks.task.id, cause: broker })).toMatchObject(expectedOfTasks);
    } finally {
      await harness.close();
    }
  });
}

const races: readonly Row[] = [
  [
    "what activated before an end has the smaller sequence and is in its report",
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.intended(task);
      const activated = await bench.ledger.completeMint(bench.completeMint(lease));
      const end = await bench.ledger.endTask(endOf(task.id));
      expect(sequenceOf(activated)).toBeLessThan(sequenceOf(end));
      await bench.sweep();
      expect(await bench.state(lease.id)).toMatchObject({ kind: "revoking", cause: "task_ended" });
    },
  ],
  [
    "whatever the order in one tick, nothing activates after an end",
    async (bench) => {
      const task = await bench.opened();
      const leases = await Promise.all([0, 1, 2, 3].map(() => bench.intended(task)));
      const [first, second, third, fourth] = leases.map(
        (lease) => () => bench.ledger.completeMint(bench.completeMint(lease)),
      );
      if (!first || !second || !third || !fourth) throw new Error("too few");
      const [end, ...completions] = await Promise.all([
        bench.ledger.endTask(endOf(task.id)),
        first(),
        second(),
        third(),
        fourth(),
      ]);
      for (const completion of completions) {
        const isEarlier = sequenceOf(completion) < sequenceOf(end);
        expect(valueOf(completion).outcome).toBe(isEarlier ? "activated" : "closed");
      }
      await bench.sweep();
      const { byState } = await bench.ledger.summarize(task.id);
      expect(byState).toMatchObject({ active: 0, intended: 0, revoking: 4 });
    },
  ],
  [
    "verbs on one lease in one tick apply in order",
    async (bench) => {
      const task = await bench.opened();
      const command = bench.recordIntent(task.id);
      const { id } = command.lease;
      const mint = {
        leaseId: id,
        handle: { name: "known" },
        sealed: null,
        fingerprint: null,
        provenAlive: true,
        expiresAt: task.deadlineAt,
        nativeExpiresAt: task.deadlineAt,
        rejectAs: null,
        cause: broker,
      };
      const [recorded, completed] = await Promise.all([
        bench.ledger.recordIntent(command),
        bench.ledger.completeMint(mint),
      ]);
      expect(sequenceOf(recorded)).toBeLessThan(sequenceOf(completed));
      expect(valueOf(completed)).toMatchObject({
        outcome: "activated",
        lease: { handle: { name: "known" }, provenAlive: true },
      });
    },
  ],
  [
    "a repeat of an activation that has since been overtaken by a kill says closed",
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.intended(task);
      const command = bench.completeMint(lease);
      valueOf(await bench.ledger.completeMint(command));
      await bench.ended(task);
      await bench.sweep();
      expect(valueOf(await bench.ledger.completeMint(command)).outcome).toBe("closed");
    },
  ],
];

export function describeGate(make: MakeHarness): void {
  describe("gate: each way to close it", () => {
    for (const closing of closings) describeClosing(make, closing);
  });
  describeRows("gate: races", make, races);
}
