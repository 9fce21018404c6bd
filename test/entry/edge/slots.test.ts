/** Slots are never more than they were, whatever gives up, and none gets lost. */
import { expect, it } from "vitest";
import { createSlots, nested } from "../../../src/entry/edge/slots.ts";

function enterAs(slots: ReturnType<typeof createSlots>, begun: string[]) {
  return (name: string) => slots(() => begun.push(name));
}

it("begin in the order in which they came, as others leave", () => {
  const begun: string[] = [];
  const enter = enterAs(createSlots(2), begun);
  const [leaveA, leaveB] = [enter("a"), enter("b"), enter("c"), enter("d")];
  expect(begun).toEqual(["a", "b"]);
  leaveB?.();
  expect(begun).toEqual(["a", "b", "c"]);
  leaveA?.();
  expect(begun).toEqual(["a", "b", "c", "d"]);
});

it("one that gave up is passed over, and leaves no slot behind", () => {
  const begun: string[] = [];
  const enter = enterAs(createSlots(1), begun);
  const leaveA = enter("a");
  const giveUp = enter("b");
  giveUp();
  enter("c");
  expect(begun).toEqual(["a"]);
  leaveA();
  enter("d");
  expect(begun).toEqual(["a", "c"]);
});

it("one that waits for both holds neither when it gave up", () => {
  const begun: string[] = [];
  const all = createSlots(2);
  const here = enterAs(nested(createSlots(1), all), begun);
  const there = enterAs(nested(createSlots(2), all), begun);
  const leaveA = here("a");
  const giveUpB = here("b");
  const leaveC = there("c");
  const giveUpD = there("d");
  there("e");
  giveUpB();
  giveUpD();
  leaveA();
  here("f");
  expect(begun, "e took what a had; f waits for both").toEqual(["a", "c", "e"]);
  leaveC();
  expect(begun).toEqual(["a", "c", "e", "f"]);
});

it("a slot that nobody wanted is there for the next", () => {
  const begun: string[] = [];
  const enter = enterAs(createSlots(1), begun);
  enter("a")();
  enter("b")();
  enter("c");
  enter("d");
  expect(begun).toEqual(["a", "b", "c"]);
});
