import { describe, expect, test } from "vitest";
import {
  createIdFactory,
  homeNumber,
  homeOfId,
  homeOfText,
  homes,
  instantOfId,
  keyOfId,
  leaseIdOf,
  parseLeaseId,
  parseTaskId,
  tagOfId,
} from "../../src/kernel/ids.ts";
import { epochMillis, millis } from "../../src/kernel/time.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createSeededEntropy } from "../support/seeded-entropy.ts";

const startAt = epochMillis(Date.UTC(2026, 10, 22));

function factory(generation = 1) {
  const clock = createManualClock(startAt);
  return { clock, ids: createIdFactory({ clock, entropy: createSeededEntropy(7), generation: () => generation }) };
}

describe("ids", () => {
  test("grow within one millisecond and over time, also when the clock steps back", () => {
    const { clock, ids } = factory();
    const made = [ids.lease(), ids.lease()];
    clock.advance(millis(5));
    made.push(ids.lease());
    clock.jumpWall(millis(-60_000));
    made.push(ids.lease());
    const keys = made.map(keyOfId);
    expect(keys).toEqual(keys.toSorted((left, right) => left - right));
    expect(new Set(keys).size).toBe(4);
    expect(made).toEqual(made.toSorted());
  });

  test("are rebuilt from key and tag", () => {
    const id = factory().ids.lease();
    expect(leaseIdOf(keyOfId(id), tagOfId(id))).toBe(id);
  });

  test("take the home that they are given, and else any", () => {
    const { ids } = factory();
    const task = ids.task();
    expect(homeOfId(ids.lease(homeOfId(task)))).toBe(homeOfId(task));
    expect(homeOfId(ids.task(homeOfText("key-1")))).toBe(homeOfText("key-1"));
    const found = new Set(Array.from({ length: 200 }, () => homeNumber(homeOfId(ids.task()))));
    expect(found.size).toBeGreaterThan(150);
    expect(Math.max(...found)).toBeLessThan(homes);
  });

  test("of a process with a shard of its own live there, and begin anywhere in their millisecond", () => {
    const own = homeOfText("shard-3");
    const made = Array.from({ length: 100 }, (_, seed) => {
      const ids = createIdFactory({
        clock: createManualClock(startAt),
        entropy: createSeededEntropy(seed),
        generation: () => 1,
        home: () => own,
      });
      return [ids.task(), ids.lease(), ids.task(homeOfText("key-1"))] as const;
    });
    expect(made.map(([task, lease, named]) => [homeOfId(task), homeOfId(lease), homeOfId(named)])).toEqual(
      made.map(() => [own, own, homeOfText("key-1")]),
    );
    expect(
      made.every(([task, lease, named]) => keyOfId(task) < keyOfId(lease) && keyOfId(lease) < keyOfId(named)),
    ).toBe(true);
    expect(new Set(made.map(([task]) => keyOfId(task))).size).toBeGreaterThan(80);
    expect(made.every(([task]) => instantOfId(task) === startAt)).toBe(true);
  });

  test("carry the store's generation", () => {
    expect(tagOfId(factory(1).ids.task()).slice(0, 2)).toBe("01");
    expect(tagOfId(factory(33).ids.task()).slice(0, 2)).toBe("11");
  });

  test("of one kind are not accepted as the other; malformed ones as neither", () => {
    const { ids } = factory();
    const task = ids.task();
    expect(parseTaskId(task)).toBe(task);
    expect(parseLeaseId(task)).toBeUndefined();
    const malformed = [
      "",
      "tsk_",
      `${task}0`,
      task.slice(0, -1),
      task.toUpperCase(),
      task.replace("tsk_", "tsk-"),
      `${task}\n`,
      task.replace("tsk_0", "tsk_8"),
      `tsk_${"z".repeat(21)}`,
    ];
    expect(malformed.filter((text) => parseTaskId(text) !== undefined)).toEqual([]);
    const largest = parseTaskId(`tsk_7${"z".repeat(20)}`);
    expect(largest && keyOfId(largest)).toBe(Number.MAX_SAFE_INTEGER);
  });
});
