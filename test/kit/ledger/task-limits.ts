/** Limits on open tasks: reserved with the opening, given back when the end is written and not before. */
import { expect } from "vitest";
import type { LimitReservation } from "../../../src/domain/limit.ts";
import type { Task } from "../../../src/domain/task.ts";
import { seconds } from "../../../src/kernel/time.ts";
import { accepted, describeRows, endOf, refused, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const one: LimitReservation = { limit: "openTasks", counter: "agent:invoice-bot:tasks", max: 1 };
const two: LimitReservation = { limit: "openTasksOfOpener", counter: "opener:conductor:tasks", max: 2 };
const full = refused("limit_reached", { limit: "openTasks" });

const open = (bench: Bench, ...limits: readonly LimitReservation[]) =>
  bench.ledger.openTask(bench.openTask({ limits }));

/** How the task that holds the only place goes on, and whether that gives the place back. */
const fates: readonly (readonly [name: string, free: boolean, fate: (bench: Bench, task: Task) => Promise<unknown>])[] =
  [
    ["is open", false, async () => undefined],
    ["has ended", true, (bench, task) => bench.ended(task)],
    ["has ended twice", true, async (bench, task) => (await bench.ended(task), await bench.ended(task))],
    [
      "is past its deadline, and swept",
      true,
      async (bench, task) => {
        bench.clock.advance(task.deadlineAt - bench.clock.now());
        await bench.sweep();
      },
    ],
    [
      "is past its deadline, and not swept yet",
      false,
      async (bench, task) => bench.clock.advance(task.deadlineAt - bench.clock.now()),
    ],
  ];

const places: readonly Row[] = fates.map(([name, free, fate]) => [
  `a task that ${name} ${free ? "gives its place back" : "keeps its place"}, over a restart too`,
  async (bench) => {
    const task = await bench.opened({ limits: [one] });
    await bench.restart();
    await fate(bench, task);
    await bench.restart();
    expect(await open(bench, one)).toMatchObject(free ? accepted : full);
    expect(await open(bench, one), "the place is taken once").toEqual(full);
  },
]);

const reserving: readonly Row[] = [
  [
    "takes all or none, and names the one that is full",
    async (bench) => {
      valueOf(await open(bench, one));
      expect(await open(bench, two, one)).toEqual(full);
      valueOf(await open(bench, two));
      valueOf(await open(bench, two));
      expect(await open(bench, two)).toEqual(refused("limit_reached", { limit: "openTasksOfOpener" }));
    },
  ],
  [
    "a child counts too, and ends with its parent",
    async (bench) => {
      const parent = await bench.opened();
      await bench.opened({ parentId: parent.id, limits: [one] });
      expect(await open(bench, one)).toEqual(full);
      await bench.ended(parent);
      await bench.sweep();
      expect(await open(bench, one)).toMatchObject(accepted);
    },
  ],
  [
    "a repeated opening answers the first one and takes nothing",
    async (bench) => {
      const command = bench.openTask({ limits: [one] });
      const task = valueOf(await bench.ledger.openTask(command));
      expect(valueOf(await bench.ledger.openTask(command))).toEqual(task);
      valueOf(await bench.ledger.endTask(endOf(task.id)));
      expect(await open(bench, one)).toMatchObject(accepted);
    },
  ],
  [
    "the gate is told before a limit, and a refused opening leaves no entry",
    async (bench) => {
      const parent = await bench.opened({ limits: [one] });
      const child = bench.openTask({ parentId: parent.id, limits: [one] });
      const before = await bench.ledger.auditHead();
      expect(await bench.ledger.openTask(child)).toEqual(full);
      expect(await bench.ledger.auditHead()).toBe(before);
      await bench.ended(parent);
      expect(await bench.ledger.openTask(child)).toMatchObject(refused("gate_closed"));
    },
  ],
  [
    "a pace of openings is a window of its own",
    async (bench) => {
      const paced: LimitReservation = { ...one, limit: "pace", perSeconds: seconds(60) };
      const task = valueOf(await open(bench, paced));
      await bench.ended(task);
      expect(await open(bench, paced)).toEqual(refused("limit_reached", { limit: "pace" }));
      bench.clock.advance(60_000);
      expect(await open(bench, paced)).toMatchObject(accepted);
    },
  ],
];

export function describeTaskLimits(make: MakeHarness): void {
  describeRows("limits on tasks: who keeps a place", make, places);
  describeRows("limits on tasks: reserving", make, reserving);
}
