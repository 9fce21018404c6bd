/** Many calls, a bounded number at a time. */
import { expect, it } from "vitest";
import { allAtMost, settleAll } from "../../src/kernel/settle-all.ts";

/** Calls that end when they are told to, in any order. */
function slowCalls() {
  const ends = new Map<number, PromiseWithResolvers<string>>();
  return {
    begun: () => [...ends.keys()],
    call(item: number): Promise<string> {
      const end = Promise.withResolvers<string>();
      ends.set(item, end);
      return end.promise;
    },
    async end(item: number, fault?: Error): Promise<void> {
      if (fault === undefined) ends.get(item)?.resolve(`done ${item}`);
      else ends.get(item)?.reject(fault);
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    },
  };
}

it("begins no more than it may, the next one when one has ended, and answers in the order of the items", async () => {
  const calls = slowCalls();
  const all = settleAll([1, 2, 3, 4], 2, (item) => calls.call(item));
  expect(calls.begun()).toEqual([1, 2]);
  await calls.end(2);
  expect(calls.begun()).toEqual([1, 2, 3]);
  await calls.end(3, new Error("away"));
  expect(calls.begun()).toEqual([1, 2, 3, 4]);
  await calls.end(4);
  await calls.end(1);
  expect(await all).toMatchObject([
    { status: "fulfilled", value: "done 1" },
    { status: "fulfilled", value: "done 2" },
    { status: "rejected", reason: { message: "away" } },
    { status: "fulfilled", value: "done 4" },
  ]);
});

it("rejects for one that failed, and only when nothing is under way any more", async () => {
  const calls = slowCalls();
  let isOver = false;
  const all = allAtMost([1, 2], 2, (item) => calls.call(item)).finally(() => (isOver = true));
  await calls.end(1, new Error("away"));
  expect(isOver).toBe(false);
  await calls.end(2);
  await expect(all).rejects.toThrow("away");
});

it("has nothing to do for no items", async () => {
  expect(await allAtMost([], 6, () => Promise.reject(new Error("asked")))).toEqual([]);
});
