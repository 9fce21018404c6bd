/** Tasks: opening, beating, ending, and what an end means for everything below. */
import { expect } from "vitest";
import type { Task } from "../../../src/domain/task.ts";
import { maxTaskDepth } from "../../../src/kernel/limits.ts";
import { broker, operator } from "../../support/builders.ts";
import { accepted, describeRows, endOf, refused, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const chain = async (bench: Bench, depth: number): Promise<Task[]> => {
  const tasks: Task[] = [];
  for (let level = 0; level < depth; level += 1) {
    // oxlint-disable-next-line no-await-in-loop -- a child needs its parent
    tasks.push(await bench.opened({ parentId: tasks.at(-1)?.id ?? null }));
  }
  return tasks;
};

const opening: readonly Row[] = [
  [
    "opens a root with bounds from the ledger's clock",
    async (bench) => {
      const command = bench.openTask({ deadlineSeconds: 60, heartbeatSeconds: 20, purpose: "close the books" });
      const task = valueOf(await bench.ledger.openTask(command));
      const now = bench.clock.now();
      const { generation } = await bench.ledger.health();
      expect(task).toEqual({
        ...command.task,
        rootId: task.id,
        depth: 1,
        openedAt: now,
        deadlineAt: now + 60_000,
        heartbeat: { everySeconds: 20, from: "agent", dueAt: now + 20_000 },
        generation,
        state: { kind: "open" },
      });
      expect(await bench.task(task.id)).toEqual({ task, gate: { kind: "open" }, ancestors: [] });
    },
  ],
  [
    "opens a child under its root and names its ancestors, the parent first",
    async (bench) => {
      const [root, child, grandchild] = await chain(bench, 3);
      expect(grandchild).toMatchObject({ parentId: child?.id, rootId: root?.id, depth: 3 });
      const view = grandchild && (await bench.task(grandchild.id));
      expect(view?.ancestors.map((task) => task.id)).toEqual([child?.id, root?.id]);
    },
  ],
  [
    "cuts a child's deadline to its parent's, and leaves an earlier one alone",
    async (bench) => {
      const parent = await bench.opened({ deadlineSeconds: 60 });
      bench.clock.advance(7);
      const longer = await bench.opened({ parentId: parent.id, deadlineSeconds: 60 });
      const shorter = await bench.opened({ parentId: parent.id, deadlineSeconds: 10 });
      expect([longer.deadlineAt, shorter.deadlineAt]).toEqual([parent.deadlineAt, bench.clock.now() + 10_000]);
    },
  ],
  [
    "opens down to the deepest level and refuses one below",
    async (bench) => {
      const tasks = await chain(bench, maxTaskDepth);
      expect(tasks.at(-1)?.depth).toBe(maxTaskDepth);
      const tooDeep = bench.openTask({ parentId: tasks.at(-1)?.id ?? null });
      expect(await bench.ledger.openTask(tooDeep)).toEqual(refused("too_deep"));
      expect(await bench.ledger.readTask(tooDeep.task.id)).toBeUndefined();
    },
  ],
  [
    "refuses an unknown parent",
    async (bench) => {
      const orphan = bench.openTask({ parentId: bench.ids.task() });
      expect(await bench.ledger.openTask(orphan)).toEqual(refused("not_found"));
    },
  ],
  [
    "answers a repeat as the first time, and refuses another task under the same id",
    async (bench) => {
      const command = bench.openTask();
      const first = await bench.ledger.openTask(command);
      bench.clock.advance(1000);
      await bench.opened();
      expect(await bench.ledger.openTask(command)).toEqual(first);
      const other = { ...command, task: { ...command.task, purpose: "something else" } };
      expect(await bench.ledger.openTask(other)).toEqual(refused("id_taken"));
    },
  ],
  [
    "keeps context, templates and opener as given, over a restart too",
    async (bench) => {
      const task = await bench.opened({
        context: { environment: "prod", nested: { list: [1, "two", null, true] } },
        ticket: "FIN-7",
      });
      await bench.restart();
      expect((await bench.task(task.id)).task).toEqual(task);
    },
  ],
];

const beating: readonly Row[] = [
  [
    "moves the heartbeat and never the deadline",
    async (bench) => {
      const task = await bench.opened({ heartbeatSeconds: 20 });
      bench.clock.advance(19_999);
      const beaten = valueOf(await bench.ledger.heartbeat({ taskId: task.id, cause: broker }));
      expect(beaten).toEqual({ ...task, heartbeat: { ...task.heartbeat, dueAt: bench.clock.now() + 20_000 } });
      expect((await bench.task(task.id)).task).toEqual(beaten);
    },
  ],
  [
    "refuses a late beat, which revives nothing",
    async (bench) => {
      const task = await bench.opened({ heartbeatSeconds: 20 });
      bench.clock.advance(20_000);
      const lost = refused("gate_closed", { gate: "heartbeat_lost" });
      expect(await bench.ledger.heartbeat({ taskId: task.id, cause: broker })).toEqual(lost);
      expect((await bench.task(task.id)).gate).toEqual({ kind: "closed", reason: "heartbeat_lost", by: task.id });
    },
  ],
  [
    "takes a beat of a task that owes none, and changes nothing",
    async (bench) => {
      const task = await bench.opened();
      expect(valueOf(await bench.ledger.heartbeat({ taskId: task.id, cause: broker }))).toEqual(task);
    },
  ],
  [
    "refuses the beat of an unknown task, and of one that ended",
    async (bench) => {
      const task = await bench.opened({ heartbeatSeconds: 20 });
      await bench.ended(task);
      expect(await bench.ledger.heartbeat({ taskId: bench.ids.task(), cause: broker })).toEqual(refused("not_found"));
      const ended = refused("gate_closed", { gate: "task_ended" });
      expect(await bench.ledger.heartbeat({ taskId: task.id, cause: broker })).toEqual(ended);
    },
  ],
];

const ending: readonly Row[] = [
  [
    "lets the first end win",
    async (bench) => {
      const task = await bench.opened();
      const first = await bench.ledger.endTask({ ...endOf(task.id), outcome: "failed", reason: "no budget" });
      const state = { kind: "ended", outcome: "failed", reason: "no budget", endedAt: bench.clock.now() };
      expect(valueOf(first)).toEqual({ ...task, state });
      bench.clock.advance(5000);
      await bench.opened();
      expect(await bench.ledger.endTask({ ...endOf(task.id), outcome: "killed" })).toEqual(first);
      expect((await bench.task(task.id)).task.state).toEqual(state);
    },
  ],
  [
    "refuses to end an unknown task",
    async (bench) => expect(await bench.ledger.endTask(endOf(bench.ids.task()))).toEqual(refused("not_found")),
  ],
  [
    "closes the gates of all below at once, and leaves the parent's open",
    async (bench) => {
      const [root, child, grandchild] = await chain(bench, 3);
      if (!root || !child || !grandchild) throw new Error("the chain is short");
      await bench.ended(child);
      expect((await bench.task(grandchild.id)).gate).toEqual({ kind: "closed", reason: "task_ended", by: child.id });
      expect((await bench.task(root.id)).gate).toEqual({ kind: "open" });
    },
  ],
  [
    "ends the children when it is expanded, at the parent's instant",
    async (bench) => {
      const [root, child, grandchild] = await chain(bench, 3);
      if (!root || !child || !grandchild) throw new Error("the chain is short");
      const sibling = await bench.opened();
      await bench.ended(root);
      const endedAt = bench.clock.now();
      bench.clock.advance(7000);
      await bench.sweep();
      const state = { kind: "ended", outcome: "parent_ended", reason: null, endedAt };
      expect((await bench.task(child.id)).task.state).toEqual(state);
      expect((await bench.task(grandchild.id)).task.state).toEqual(state);
      expect((await bench.task(sibling.id)).task.state).toEqual({ kind: "open" });
    },
  ],
  [
    "leaves the outcome of a child that ended before its parent",
    async (bench) => {
      const [root, child] = await chain(bench, 2);
      if (!root || !child) throw new Error("the chain is short");
      await bench.ended(child);
      await bench.ended(root);
      await bench.sweep();
      expect((await bench.task(child.id)).task.state).toMatchObject({ outcome: "completed" });
    },
  ],
];

const automatic: readonly Row[] = [
  [
    "opens with its intent and ends with its credential, in the same writes",
    async (bench) => {
      const automaticTask = bench.openTask({ automatic: true, templates: [] });
      const command = bench.recordIntent(automaticTask.task.id, { automaticTask });
      const recorded = valueOf(await bench.ledger.recordIntent(command));
      expect((await bench.task(automaticTask.task.id)).task).toEqual(recorded.task);
      valueOf(await bench.ledger.completeMint(bench.completeMint(recorded.lease)));
      const claimed = await bench.dying(recorded.lease);
      expect((await bench.task(automaticTask.task.id)).gate).toEqual({ kind: "open" });
      await bench.judge(claimed, { kind: "dead-unverified" });
      expect((await bench.task(automaticTask.task.id)).task.state).toMatchObject({ outcome: "credential_ended" });
    },
  ],
  [
    "ends when its mint fails",
    async (bench) => {
      const automaticTask = bench.openTask({ automatic: true, templates: [] });
      const command = bench.recordIntent(automaticTask.task.id, { automaticTask });
      const { lease } = valueOf(await bench.ledger.recordIntent(command));
      valueOf(await bench.ledger.failMint({ leaseId: lease.id, reason: "quota", cause: broker }));
      expect((await bench.task(automaticTask.task.id)).task.state).toMatchObject({ outcome: "credential_ended" });
    },
  ],
  [
    "a task that somebody opened outlives its credentials",
    async (bench) => {
      const task = await bench.opened();
      const claimed = await bench.dying(await bench.active(task));
      await bench.judge(claimed, { kind: "dead-unverified" });
      expect((await bench.task(task.id)).gate).toEqual({ kind: "open" });
    },
  ],
  [
    "is not opened under a taken id, nor when its intent is refused",
    async (bench) => {
      const task = await bench.opened();
      const taken = bench.openTask({ id: task.id, automatic: true });
      const onTaken = bench.recordIntent(task.id, { automaticTask: taken });
      expect(await bench.ledger.recordIntent(onTaken)).toEqual(refused("id_taken"));

      const automaticTask = bench.openTask({ automatic: true });
      const { id } = automaticTask.task;
      const full = bench.recordIntent(id, { automaticTask, limits: [bench.taskLimit(id, 0)] });
      expect(await bench.ledger.recordIntent(full)).toMatchObject(refused("limit_reached"));
      expect(await bench.ledger.readTask(id)).toBeUndefined();
      expect(await bench.ledger.openTask({ ...automaticTask, cause: operator })).toMatchObject(accepted);
    },
  ],
];

export function describeTasks(make: MakeHarness): void {
  describeRows("tasks: open", make, opening);
  describeRows("tasks: heartbeat", make, beating);
  describeRows("tasks: end", make, ending);
  describeRows("tasks: automatic", make, automatic);
}
