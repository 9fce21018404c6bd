/** Helpers that a script does not use are left out of it, and none that it uses. */
import { expect, it } from "vitest";
import { neededLua } from "../../../src/engines/redis/needed-lua.ts";

const double = "local function double(number) return number * 2 end";
const twice = "local function twice(number)\n  if number then\n    return double(number)\n  end\nend";

it.each([
  ["an unused line", `${double}\nreturn 1`, "return 1"],
  ["an unused block", `${twice}\nreturn 1`, "return 1"],
  ["what only an unused one uses", `${double}\n${twice}\nreturn 1`, "return 1"],
  ["nothing that is used", `${double}\nreturn double(1)`, `${double}\nreturn double(1)`],
  ["nothing that a used one uses", `${double}\n${twice}\nreturn twice(1)`, `${double}\n${twice}\nreturn twice(1)`],
  ["a namesake's beginning", `${double}\nreturn doubled`, "return doubled"],
  ["no other statement", `local rows = {}\n${double}\nreturn rows`, "local rows = {}\nreturn rows"],
])("leaves out %s", (_, text, expected) => expect(neededLua(text)).toBe(expected));
