/** Slots are never more than they were, whatever gives up, and none gets lost. */
import { expect, it } from "vitest";
import { createSlots } from "../../../src/entry/edge/slots.ts";

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

it("a slot that nobody wanted is there for the next", () => {
  const begun: string[] = [];
  const enter = enterAs(createSlots(1), begun);
  enter("a")();
  enter("b")();
  enter("c");
  enter("d");
  expect(begun).toEqual(["a", "b", "c"]);
});
