import { describe, expect, test } from "vitest";
import { createAlarm } from "../../src/broker/kill/alarm.ts";
import { createDoorbell } from "../../src/broker/kill/doorbell.ts";
import { epochMillis, millis } from "../../src/kernel/time.ts";
import { createManualClock } from "../support/manual-clock.ts";

describe("doorbell", () => {
  test("answers one ring at a time, and a ring during an answer once more after it", async () => {
    const gates: (() => void)[] = [];
    let answering = 0;
    let most = 0;
    const bell = createDoorbell(async () => {
      answering += 1;
      most = Math.max(most, answering);
      await new Promise<void>((resolve) => gates.push(resolve));
      answering -= 1;
    });
    bell.ring();
    bell.ring();
    bell.ring();
    expect(gates).toHaveLength(1);
    gates[0]?.();
    await untilGates(2);
    expect(bell.isAnswering()).toBe(true);
    gates[1]?.();
    while (bell.isAnswering()) await Promise.resolve();
    expect([gates.length, most]).toEqual([2, 1]);

    bell.ring();
    expect(gates).toHaveLength(3);
    gates[2]?.();

    async function untilGates(count: number): Promise<void> {
      while (gates.length < count) await Promise.resolve();
    }
  });
});

describe("alarm", () => {
  function alarmed() {
    const clock = createManualClock();
    const rung: number[] = [];
    const startedAt = clock.now();
    const alarm = createAlarm(clock, () => rung.push(clock.now() - startedAt));
    return { clock, rung, alarm, at: (offset: number) => epochMillis(startedAt + offset) };
  }

  test("rings at the earliest instant that was asked for, once", () => {
    const { clock, rung, alarm, at } = alarmed();
    alarm.set(at(50));
    alarm.set(at(20));
    alarm.set(at(90));
    clock.advance(millis(100));
    expect(rung).toEqual([20]);
  });

  test("can be set again after it rang, rings at once for the past, and not after a cancel", () => {
    const { clock, rung, alarm, at } = alarmed();
    alarm.set(at(10));
    clock.advance(millis(30));
    alarm.set(at(5));
    clock.advance(millis(1));
    alarm.set(at(60));
    alarm.cancel();
    clock.advance(millis(100));
    expect(rung).toEqual([10, 30]);
  });
});
