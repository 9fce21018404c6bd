/** Slots of a cluster: the values of the specification, and what a server's list of them is read as. */
import { describe, expect, it } from "vitest";
import { parseSlots, slotOf } from "../../../src/engines/redis/connection/slots.ts";

describe("slots of a cluster", () => {
  it.each([
    ["123456789", 0x31c3],
    ["", 0],
    ["foo", 12_182],
    ["{foo}:bar", 12_182],
    ["mayfly{foo}:meta", 12_182],
    ["{}foo", 9_500],
    ["foo{", 7_673],
  ])("%s is in slot %i", (key, slot) => expect(slotOf(key)).toBe(slot));

  const asked = { host: "seed", port: 7_000 };
  it("reads ranges with their master, and takes an empty address for the one that was asked", () => {
    const reply = [
      [0, 9, ["10.0.0.1", 7_001, "id", []], ["10.0.0.2", 7_002, "id", []]],
      [10, 16_383, ["", 7_003, "id"]],
    ];
    expect(parseSlots(reply, asked)).toEqual([
      { from: 0, to: 9, master: { host: "10.0.0.1", port: 7_001 }, replicas: 1 },
      { from: 10, to: 16_383, master: { host: "seed", port: 7_003 }, replicas: 0 },
    ]);
  });

  it.each([
    ["nothing", null],
    ["a text", "OK"],
    ["a row without a master", [[0, 1]]],
  ])("refuses %s", (_, reply) => {
    expect(() => parseSlots(reply, asked)).toThrow("not a list of slots");
  });
});
