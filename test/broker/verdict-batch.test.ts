/** Verdicts that wait for each other: recorded together, in order, and none later than promised. */
import { describe, expect, it } from "vitest";
import { createVerdictBatch } from "../../src/broker/kill/verdict-batch.ts";
import { createManualClock } from "../support/manual-clock.ts";

function setUp() {
  const clock = createManualClock();
  const batch = createVerdictBatch(clock);
  const started: string[] = [];
  const add = (name: string, record: () => Promise<void> = () => Promise.resolve()) =>
    batch.add(() => {
      started.push(name);
      return record();
    });
  return { clock, batch, started, add };
}

describe("verdicts that wait", () => {
  it("are recorded together and in order when they are flushed, and once", async () => {
    const { clock, batch, started, add } = setUp();
    const both = Promise.all([add("first"), add("second")]);
    expect(started).toEqual([]);
    batch.flush();
    expect(started).toEqual(["first", "second"]);
    await both;
    clock.advance(2);
    expect(started).toEqual(["first", "second"]);
  });

  it("wait no longer than two milliseconds from the first, and not less for those that come later", () => {
    const { clock, started, add } = setUp();
    void add("first");
    clock.advance(1);
    void add("second");
    expect(started).toEqual([]);
    clock.advance(1);
    expect(started).toEqual(["first", "second"]);
    void add("third");
    clock.advance(1);
    expect(started).toHaveLength(2);
    clock.advance(1);
    expect(started).toHaveLength(3);
  });

  it("pass on a fault of their recording, and harm no other", async () => {
    const { batch, add } = setUp();
    const sick = add("sick", () => Promise.reject(new Error("a sick store")));
    const sound = add("sound");
    batch.flush();
    await expect(sick).rejects.toThrow("a sick store");
    await expect(sound).resolves.toBeUndefined();
  });
});
