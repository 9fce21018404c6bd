/** What a process writes again on a master that lacks it: in order, harmless where it is there, dead where it was lost. */
import { afterEach, describe, expect, it } from "vitest";
import { openMemoryLedger } from "../../../src/engines/memory/ledger.ts";
import { emptyState } from "../../../src/engines/memory/state.ts";
import { createRecentChanges } from "../../../src/engines/redis/connection/recent-changes.ts";
import { homeOfId, type TaskId } from "../../../src/kernel/ids.ts";
import type { Answer, Ledger } from "../../../src/ports/ledger.ts";
import { agentName, createBuilders, operator, type Builders } from "../../support/builders.ts";
import { createManualClock } from "../../support/manual-clock.ts";

let opened = false;
afterEach(() => void (opened = false));

function scene() {
  const clock = createManualClock();
  const recent = createRecentChanges(clock, async () => opened);
  const empty = (): Ledger => openMemoryLedger({ clock, state: emptyState() });
  const first = empty();
  return { clock, recent, first, ledger: recent.remember(first), empty, builders: createBuilders({ clock }) };
}

function valueOf<T, C>(answer: Answer<T, C>): T {
  if (answer.kind !== "ok") throw new Error(JSON.stringify(answer));
  return answer.value;
}

/** A lease has the home of its task. */
const intentOf = (builders: Builders, taskId: TaskId) => {
  const intent = builders.recordIntent(taskId);
  return { ...intent, lease: { ...intent.lease, id: builders.ids.lease(homeOfId(taskId)) } };
};

async function issue({ ledger, builders }: ReturnType<typeof scene>) {
  const task = valueOf(await ledger.openTask(builders.openTask()));
  const { lease } = valueOf(await ledger.recordIntent(intentOf(builders, task.id)));
  return { task, lease };
}

describe("what a new master lacks", () => {
  it("an end that was lost closes the gate again", async () => {
    const world = scene();
    const { task } = await issue(world);
    const ending = { taskId: task.id, outcome: "failed", reason: "why", cause: operator } as const;
    valueOf(await world.ledger.endTask(ending));
    const second = world.empty();
    expect(await world.recent.replay(second)).toEqual({ isDone: true, changes: 3, lost: 1 });
    const view = await second.readTask(task.id);
    expect(view?.gate.kind).toBe("closed");
    expect(view?.task.state).toMatchObject({ kind: "ended", outcome: "failed" });
  });

  it("an intent that was lost is due at once, with its handle", async () => {
    const world = scene();
    const { lease } = await issue(world);
    const second = world.empty();
    await world.recent.replay(second);
    const found = (await second.readLease(lease.id))?.lease;
    expect(found).toMatchObject({ state: { kind: "revoking" }, handle: lease.handle });
    expect((await second.dueWork()).targets).toHaveLength(1);
  });

  it("a mint that was lost with its intent is killed by what was minted", async () => {
    const world = scene();
    const { lease } = await issue(world);
    const handle = { name: "minted" };
    expect(valueOf(await world.ledger.completeMint(world.builders.completeMint(lease, { handle }))).outcome).toBe(
      "activated",
    );
    const second = world.empty();
    expect(await world.recent.replay(second)).toMatchObject({ isDone: true, lost: 1 });
    expect((await second.readLease(lease.id))?.lease).toMatchObject({ state: { kind: "revoking" }, handle });
  });

  it("a mint that alone was lost lives on", async () => {
    const world = scene();
    const task = valueOf(await world.ledger.openTask(world.builders.openTask()));
    const intent = intentOf(world.builders, task.id);
    const { lease } = valueOf(await world.ledger.recordIntent(intent));
    valueOf(await world.ledger.completeMint(world.builders.completeMint(lease)));
    const second = world.empty();
    valueOf(await second.openTask(world.builders.openTask({ id: task.id })));
    valueOf(await second.recordIntent(intent));
    expect(await world.recent.replay(second)).toMatchObject({ isDone: true, lost: 0 });
    expect((await second.readLease(lease.id))?.lease.state.kind).toBe("active");
  });

  it("changes nothing where all of it is there", async () => {
    const world = scene();
    const { task, lease } = await issue(world);
    valueOf(await world.ledger.completeMint(world.builders.completeMint(lease)));
    const before = await world.first.listAudit({ taskId: null, after: null, limit: 200 });
    expect(await world.recent.replay(world.first)).toEqual({ isDone: true, changes: 3, lost: 0 });
    expect(await world.first.listAudit({ taskId: null, after: null, limit: 200 })).toEqual(before);
    expect((await world.first.readTask(task.id))?.gate.kind).toBe("open");
  });

  it("a task that was lost gets no later deadline", async () => {
    const world = scene();
    const { task } = await issue(world);
    world.clock.advance(30_000);
    const second = world.empty();
    await world.recent.replay(second);
    expect((await second.readTask(task.id))?.task.deadlineAt).toBe(task.deadlineAt);
  });

  it("remembers a minute, and nothing that was not answered", async () => {
    const world = scene();
    await issue(world);
    world.clock.advance(60_001);
    const task = valueOf(await world.ledger.openTask(world.builders.openTask()));
    expect((await world.ledger.openTask(world.builders.openTask({ id: task.id, purpose: "another" }))).kind).toBe(
      "conflict",
    );
    expect(await world.recent.replay(world.empty())).toEqual({ isDone: true, changes: 1, lost: 0 });
  });

  it("does not close again what an operator has opened since", async () => {
    const world = scene();
    const scope = { kind: "all" } as const;
    valueOf(await world.ledger.closeDoor({ scope, reason: "x", cause: operator }));
    valueOf(await world.ledger.openDoor({ scope, cause: operator }));
    const second = world.empty();
    await world.recent.replay(second);
    expect(await second.listDoors()).toEqual([]);
    valueOf(await world.ledger.closeDoor({ scope, reason: "y", cause: operator }));
    await world.recent.replay(second);
    expect(await second.listDoors()).toMatchObject([{ reason: "y" }]);
  });

  it("does not close again what another node has opened since", async () => {
    const world = scene();
    const scope = { kind: "all" } as const;
    valueOf(await world.ledger.closeDoor({ scope, reason: "x", cause: operator }));
    const second = world.empty();
    opened = true;
    expect(await world.recent.replay(second)).toEqual({ isDone: true, changes: 0, lost: 0 });
    expect(await second.listDoors()).toEqual([]);
  });

  it("loads no policy again that another one followed", async () => {
    const world = scene();
    const load = async (...agents: string[]) =>
      valueOf(
        await world.ledger.loadPolicy({
          digest: agents.join(),
          agents: agents.map(agentName),
          issuers: [],
          cause: operator,
        }),
      );
    await load("old");
    await load("old", "new");
    // Where only the names of the newest policy were kept.
    await world.recent.replay(world.first);
    expect(await world.first.listDoors()).toEqual([]);
  });

  it("is not done where an outcome is unknown", async () => {
    const world = scene();
    await issue(world);
    const silent: Ledger = { ...world.empty(), openTask: async () => ({ kind: "unknown", reason: "stopped" }) };
    expect((await world.recent.replay(silent)).isDone).toBe(false);
  });
});
