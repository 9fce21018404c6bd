/** When an object's alarm is set, and when it must be left alone. */
import { describe, expect, it } from "vitest";
import { createWaking } from "../../../src/engines/durable-object/waking.ts";
import { epochMillis } from "../../../src/kernel/time.ts";

function createStored() {
  const set: number[] = [];
  const storage = {
    setAlarm: async (at: number | Date): Promise<void> => void set.push(Number(at)),
  };
  const waking = createWaking(storage);
  return {
    set,
    by: (at: number): void => waking.by(epochMillis(at)),
    anew: (at: number, meanwhile = (): void => {}): Promise<void> =>
      waking.anew(async () => {
        meanwhile();
        return epochMillis(at);
      }),
  };
}

describe("the alarm", () => {
  it("stands at the earliest instant that was told", () => {
    const { set, by } = createStored();
    for (const at of [500, 300, 400, 300, 200]) by(at);
    expect(set).toEqual([500, 300, 200]);
  });

  it("is left as it is once it has gone off: cut short, its work would be forgotten", async () => {
    const { set, by, anew } = createStored();
    await anew(200);
    // It goes off at 200, and while it works something is told that comes later.
    by(250);
    by(9000);
    expect(set).toEqual([200]);
  });

  it("is set anew where the work is done, also to a later instant", async () => {
    const { set, by, anew } = createStored();
    by(200);
    await anew(900);
    by(1000);
    by(800);
    expect(set).toEqual([200, 900, 800]);
  });

  it("misses nothing that is told while it is looked up", async () => {
    const { set, by, anew } = createStored();
    await anew(200);
    await anew(900, () => by(700));
    expect(set).toEqual([200, 700]);
  });
});
