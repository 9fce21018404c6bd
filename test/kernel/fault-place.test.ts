/** What is told of an unexpected error: where, and never what it says. */
import { describe, expect, it } from "vitest";
import { faultPlace } from "../../src/kernel/fault-place.ts";

const named = (name: string): Error => Object.assign(new Error("text"), { name });

describe("fault place", () => {
  it("tells the kind and the places, without the message", () => {
    const { name, places } = faultPlace(new RangeError("hunter2"));
    expect(name).toBe("RangeError");
    expect(places[0]).toMatch(/^at .*fault-place\.test\.ts:\d+:\d+/);
    expect(JSON.stringify(places)).not.toContain("hunter2");
  });

  it.each<[string, unknown]>([
    ["a message that looks like a place", new Error("x\n    at hunter2 (file:1:1)")],
    ["a name that is a text", named("hunter2 was the password")],
    ["a stack of its own", Object.assign(new Error("x"), { stack: "    at hunter2 (file:1:1)" })],
    ["no error at all", "hunter2"],
    ["nothing", undefined],
  ])("%s gives nothing away", (_, error) => {
    expect(JSON.stringify(faultPlace(error))).not.toContain("hunter2");
  });
});
