/** Nothing unfinished, nothing untyped, no test switched off without a stated reason. */
import { describe, expect, it } from "vitest";
import { checkWords } from "./rules.ts";
import { parseSource, readSources } from "./source.ts";

describe("words: the repository", () => {
  it("has no leftovers, any types or switched-off tests", () => {
    expect(readSources("src", "providers", "test", "scripts").flatMap(checkWords)).toEqual([]);
  });
});

const leftover = ["TO", "DO"].join(""); // in two parts, or this file would break the rule

describe("words: the rule itself", () => {
  it.each([
    [`// ${leftover} later`, `leaves a ${leftover}`],
    [`const a: any = 1;`, "uses any"],
    [`const a = b as unknown as any[];`, "uses any"],
    [`it.skip("a", go);`, "switches tests"],
    [`describe.concurrent.only("a", go);`, "switches tests"],
    [`it.todo("a");`, "switches tests"],
    [`it.skipIf(true)("a", go);`, "switches tests"],
  ])("refuses %s", (code, problem) => {
    expect(checkWords(parseSource("test/a.test.ts", code)).join("\n")).toContain(problem);
  });

  it.each([`context.skip(!redis, "needs redis-server");`, `// any of them`, `const many = "any";`])(
    "accepts %s",
    (code) => expect(checkWords(parseSource("test/a.test.ts", code))).toEqual([]),
  );
});
