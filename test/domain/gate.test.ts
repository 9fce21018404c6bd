import { describe, expect, test } from "vitest";
import {
  downtimeAtStart,
  evaluateGate,
  heartbeatDueAt,
  type Downtime,
  type GateFacts,
  type GateTask,
} from "../../src/domain/gate.ts";
import { brand } from "../../src/kernel/brand.ts";
import type { TaskId } from "../../src/kernel/ids.ts";
import { shortestDowntimeMillis } from "../../src/kernel/limits.ts";
import { epochMillis, seconds } from "../../src/kernel/time.ts";

const at = epochMillis;
const noon = at(1_800_000_000_000);
const later = (millis: number) => at(noon + millis);

function task(name: string, change: Partial<GateTask> = {}): GateTask {
  const id = brand<TaskId>(`tsk_${name}`);
  return { id, deadlineAt: later(60_000), heartbeat: null, generation: 1, state: { kind: "open" }, ...change };
}
const beating = (dueAt: number) => ({ everySeconds: seconds(10), from: "agent" as const, dueAt: later(dueAt) });
const ended = { kind: "ended" as const, outcome: "completed" as const, reason: null, endedAt: noon };

const facts = (change: Partial<GateFacts>): GateFacts => ({
  chain: [task("own")],
  doorsClosed: false,
  downtime: null,
  restoredGeneration: 0,
  ...change,
});

describe("the gate", () => {
  const rows: readonly [string, Partial<GateFacts>, number, string][] = [
    ["is open for a running task", {}, 0, "open"],
    ["is open until the last millisecond before the deadline", {}, 59_999, "open"],
    ["is closed at the deadline", {}, 60_000, "deadline"],
    ["is open until the heartbeat is due", { chain: [task("own", { heartbeat: beating(10_000) })] }, 9_999, "open"],
    [
      "is closed when the heartbeat is due",
      { chain: [task("own", { heartbeat: beating(10_000) })] },
      10_000,
      "heartbeat_lost",
    ],
    ["is closed after the end", { chain: [task("own", { state: ended })] }, 0, "task_ended"],
    ["is closed by a door", { doorsClosed: true }, 0, "door_closed"],
    [
      "is closed by an ended ancestor",
      { chain: [task("own"), task("parent"), task("root", { state: ended })] },
      0,
      "task_ended",
    ],
    [
      "is closed by an ancestor's deadline",
      { chain: [task("own"), task("root", { deadlineAt: later(5) })] },
      5,
      "deadline",
    ],
    [
      "is closed by an ancestor's silence",
      { chain: [task("own"), task("root", { heartbeat: beating(5) })] },
      5,
      "heartbeat_lost",
    ],
    ["is closed for tasks from before a restore", { restoredGeneration: 2 }, 0, "restored"],
    [
      "is open for tasks opened after a restore",
      { restoredGeneration: 2, chain: [task("own", { generation: 2 })] },
      0,
      "open",
    ],
  ];
  test.each(rows)("%s", (_name, change, offset, expected) => {
    const gate = evaluateGate(facts(change), later(offset));
    expect(gate.kind === "open" ? "open" : gate.reason).toBe(expected);
  });

  test("names the ancestor that closed it", () => {
    const gate = evaluateGate(facts({ chain: [task("own"), task("root", { state: ended })] }), noon);
    expect(gate).toMatchObject({ kind: "closed", by: "tsk_root" });
  });
});

const down = (from: number, until: number): Downtime => ({ from: later(from), until: later(until) });

describe("what a start notes", () => {
  const earlier = down(0, 20_000);
  const rows: readonly [string, number | null, Downtime | null][] = [
    ["nothing new where nothing was ever written", null, earlier],
    ["nothing new when it follows at once", 30_000 - shortestDowntimeMillis, earlier],
    ["a downtime that was longer", 29_999 - shortestDowntimeMillis, down(29_999 - shortestDowntimeMillis, 30_000)],
  ];
  test.each(rows)("%s", (_name, changedAt, expected) => {
    expect(downtimeAtStart(earlier, changedAt === null ? null : later(changedAt), later(30_000))).toEqual(expected);
  });
});

describe("heartbeat grace after a downtime", () => {
  const rows: readonly [string, number, Downtime | null, number][] = [
    ["none without a downtime", 10_000, null, 10_000],
    ["one interval from the end of a downtime that it fell due in", 5_000, down(0, 20_000), 30_000],
    ["one interval when it falls due just after the downtime", 21_000, down(0, 20_000), 30_000],
    ["none when the downtime was no longer than the interval", 5_000, down(0, 10_000), 5_000],
    ["none when it was due before the downtime", 5_000, down(6_000, 40_000), 5_000],
    ["none when it falls due an interval after the downtime", 30_000, down(0, 20_000), 30_000],
  ];
  test.each(rows)("%s", (_name, dueAt, downtime, expected) => {
    expect(heartbeatDueAt(beating(dueAt), downtime)).toBe(later(expected));
  });
});
