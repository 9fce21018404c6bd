/** Small files which say what they are for, with no hidden clock, chance or opened secret. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import revealAllowed from "./reveal-allowed.json" with { type: "json" };
import { checkCalls, checkReveal, checkShape, maxLines } from "./rules.ts";
import { parseSource, readSources, root } from "./source.ts";

const production = readSources("src", "providers");
const paths = new Set(production.map((source) => source.path));

describe("files: the repository", () => {
  it("has small files with an opening comment", () => expect(production.flatMap(checkShape)).toEqual([]));

  it("takes clock, chance and process as parameters", () => expect(production.flatMap(checkCalls)).toEqual([]));

  it("opens secrets in listed files only", () => {
    const missing = Object.keys(revealAllowed).filter((path) => !paths.has(path));
    expect(missing, "listed in reveal-allowed.json, but gone").toEqual([]);
    expect(production.flatMap((source) => checkReveal(source, revealAllowed))).toEqual([]);
  });
});

describe("files: the rules themselves", () => {
  it.each([
    ["Date.now()", "calls Date.now"],
    ["globalThis.Date.now()", "calls globalThis.Date.now"],
    ["new Date()", "calls new Date"],
    ["setTimeout(go, 1)", "calls setTimeout"],
    ["globalThis.setInterval(go, 1)", "calls globalThis.setInterval"],
    ["Math.random()", "calls Math.random"],
    ["crypto.randomUUID()", "calls crypto.randomUUID"],
    ["performance.now()", "calls performance.now"],
    ["process.env.HOME", "uses process"],
  ])("refuses %s", (code, problem) => {
    expect(checkCalls(parseSource("src/broker/a.ts", code)).join("\n")).toContain(problem);
    expect(checkCalls(parseSource("src/entry/a.ts", code))).toEqual([]);
  });

  it.each(["new Date(now)", "clock.now()", "valueOf()", "// Date.now()", "'Date.now()'", "child.process.id"])(
    "accepts %s",
    (code) => expect(checkCalls(parseSource("src/broker/a.ts", code))).toEqual([]),
  );

  it("refuses to open a secret in an unlisted file, and a listed file that opens none", () => {
    const opening = parseSource("src/http/a.ts", "const text = secret.reveal();");
    expect(checkReveal(opening, {})).toEqual([expect.stringContaining("src/http/a.ts:1 opens a secret")]);
    expect(checkReveal(opening, { "src/http/a.ts": "the answer carries it" })).toEqual([]);
    expect(checkReveal(parseSource("src/http/a.ts", ""), { "src/http/a.ts": "why" })).toHaveLength(1);
  });

  it("refuses a long file and a missing opening comment", () => {
    expect(checkShape(parseSource("src/a.ts", `// why\n${"a;\n".repeat(maxLines)}`))).toHaveLength(1);
    expect(checkShape(parseSource("src/a.ts", `const a = 1; // why`))).toHaveLength(1);
    expect(checkShape(parseSource("src/a.ts", `#!/usr/bin/env node\n/** Why. */\nconst a = 1;`))).toEqual([]);
  });

  it.each([
    ["max-lines-per-function", `export function long(): void {\n${"  go();\n".repeat(60)}}\n`],
    ["no-explicit-any", `export const a: any = 1;\n`],
    ["no-non-null-assertion", `export const a = (b?: string) => b!.length;\n`],
    ["consistent-type-imports", `import { B } from "./b.ts";\nexport type C = B;\n`],
  ])("lint refuses %s", (rule, code) => {
    const folder = mkdtempSync(join(tmpdir(), "mayfly-lint-"));
    try {
      const file = join(folder, "sample.ts");
      writeFileSync(file, code);
      const oxlint = join(root, "node_modules/.bin/oxlint");
      const answer = spawnSync(oxlint, ["-c", join(root, ".oxlintrc.json"), file], { encoding: "utf8" });
      expect(answer.stdout).toContain(rule);
      expect(answer.status).not.toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
