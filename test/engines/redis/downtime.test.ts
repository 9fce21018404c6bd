/** An outage of the server: heartbeats that nobody could record get one interval, whatever comes first afterwards. */
import { afterEach, expect, it } from "vitest";
import { createSignsOfLife } from "../../../src/engines/redis/signs-of-life.ts";
import type { TaskId } from "../../../src/kernel/ids.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createBuilders, operator } from "../../support/builders.ts";
import { openRedisWorld, type RedisWorld } from "../../support/redis-nodes.ts";
import { silentLog } from "../../support/silent.ts";
import { present, valueOf } from "../../kit/ledger/bench.ts";

let world: RedisWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

const everySeconds = 10;

async function scene() {
  const opened = await openRedisWorld(1);
  world = opened;
  const { clock } = opened;
  const { ledger, calls } = await opened.node();
  const signs = createSignsOfLife({ calls, log: silentLog });
  const builders = createBuilders({ clock });
  const open = async (deadlineSeconds = 3_600): Promise<TaskId> =>
    valueOf(await ledger.openTask(builders.openTask({ heartbeatSeconds: everySeconds, deadlineSeconds }))).id;
  async function passes(span: number): Promise<void> {
    for (let second = 0; second < span; second += 1) {
      clock.advance(1_000);
      await signs.say();
    }
  }
  await passes(2);
  return { ledger, signs, builders, clock, open, passes, another: () => opened.node() };
}

const beat = (ledger: Ledger, taskId: TaskId) => ledger.heartbeat({ taskId, cause: operator });
const outcomeOf = async (ledger: Ledger, id: TaskId) => present(await ledger.readTask(id)).task.state;

type Scene = Awaited<ReturnType<typeof scene>>;

it.each<[string, (at: Scene, task: TaskId) => Promise<unknown>]>([
  ["a sweep", ({ ledger }) => ledger.closeOverdueTasks(500)],
  ["a sign of life", ({ signs }) => signs.say()],
  ["a node that starts", ({ another }) => another()],
  ["the heartbeat itself", ({ ledger }, task) => beat(ledger, task)],
  [
    "an end of another task",
    async ({ ledger, open }) =>
      ledger.endTask({ taskId: await open(), outcome: "failed", reason: null, cause: operator }),
  ],
])("after an outage %s comes first, and the task has one interval more", async (_, first) => {
  const at = await scene();
  const task = await at.open();
  at.clock.advance(30_000);
  await first(at, task);
  valueOf(await at.ledger.closeOverdueTasks(500));
  expect(present(await at.ledger.readTask(task)).gate.kind).toBe("open");
  await at.passes(everySeconds - 1);
  expect((await beat(at.ledger, task)).kind).toBe("ok");
  await at.passes(everySeconds + 1);
  valueOf(await at.ledger.closeOverdueTasks(500));
  expect(await outcomeOf(at.ledger, task)).toMatchObject({ kind: "ended", outcome: "heartbeat_lost" });
});

it("grants one interval and no more", async () => {
  const at = await scene();
  const task = await at.open();
  at.clock.advance(30_000);
  await at.passes(everySeconds + 1);
  valueOf(await at.ledger.closeOverdueTasks(500));
  expect(await outcomeOf(at.ledger, task)).toMatchObject({ kind: "ended", outcome: "heartbeat_lost" });
});

it("an outage shorter than the interval grants nothing", async () => {
  const at = await scene();
  const task = await at.open();
  await at.passes(5);
  at.clock.advance(9_000);
  expect(present(await at.ledger.readTask(task)).gate).toMatchObject({ kind: "closed", reason: "heartbeat_lost" });
});

it("a deadline is never moved, and the grace is audited", async () => {
  const at = await scene();
  const [short, long] = [await at.open(20), await at.open()];
  at.clock.advance(30_000);
  valueOf(await at.ledger.closeOverdueTasks(500));
  expect(await outcomeOf(at.ledger, short)).toMatchObject({ kind: "ended", outcome: "deadline" });
  const { entries } = await at.ledger.listAudit({ taskId: long, after: null, limit: 10 });
  expect(entries.map(({ type }) => type)).toEqual(["task.opened", "task.heartbeat_graced"]);
});

it("a silence while some node was heard grants nothing", async () => {
  const at = await scene();
  const task = await at.open();
  await at.passes(everySeconds + 1);
  expect(present(await at.ledger.readTask(task)).gate).toMatchObject({ kind: "closed", reason: "heartbeat_lost" });
});

it("a short gap does not take away what a long outage granted", async () => {
  const at = await scene();
  const task = await at.open();
  at.clock.advance(30_000);
  await at.passes(2);
  at.clock.advance(3_000);
  await at.signs.say();
  expect(present(await at.ledger.readTask(task)).gate.kind).toBe("open");
});
