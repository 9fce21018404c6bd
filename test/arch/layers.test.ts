/** Imports run one way: kernel <- domain <- ports, policy <- broker <- http, cli; only entry wires. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkLayers, checkPackages } from "./rules.ts";
import { parseSource, readSources, root } from "./source.ts";

type Declared = Record<"dependencies" | "devDependencies", Record<string, string>> & { name: string };
const declared = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Declared;
const forProduction = new Set(Object.keys(declared.dependencies));
/** Tests and examples may use what this package exports. */
const forAll = new Set([declared.name, ...forProduction, ...Object.keys(declared.devDependencies)]);
const production = readSources("src", "providers");

describe("layers: the repository", () => {
  it("has production files to check", () => expect(production.length).toBeGreaterThan(0));

  it("imports only what each layer may import", () => expect(production.flatMap(checkLayers)).toEqual([]));

  it("imports declared packages only", () => {
    const others = readSources("test", "scripts");
    const violations = [
      ...production.flatMap((source) => checkPackages(source, forProduction, forAll)),
      ...others.flatMap((source) => checkPackages(source, forAll)),
    ];
    expect(violations).toEqual([]);
  });
});

const refused: [path: string, code: string, problem: string][] = [
  ["src/kernel/a.ts", `import { b } from "../domain/b.ts";`, "kernel imports domain"],
  ["src/kernel/a.ts", `import type { b } from "../domain/b.ts";`, "kernel imports domain"],
  ["src/kernel/a.ts", `import { b } from "node:fs";`, "kernel imports node:fs"],
  ["src/kernel/a.ts", `import { b } from "fs";`, "kernel imports fs"],
  ["src/kernel/a.ts", `export * from "zod";`, "kernel imports the package zod"],
  ["src/domain/a.ts", `export { b } from "../ports/b.ts";`, "domain imports ports"],
  ["src/domain/a.ts", `type B = import("../ports/b.ts").B;`, "domain imports ports"],
  ["src/ports/a.ts", `import { b } from "../domain/b.ts";`, "write `import type`"],
  ["src/ports/a.ts", `import { type B } from "../domain/b.ts";`, "write `import type`"],
  ["src/ports/a.ts", `export const b = 1;`, "ports exports a value"],
  ["src/ports/a.ts", `export default function b() {}`, "ports exports a value"],
  ["src/policy/a.ts", `import type { b } from "../ports/b.ts";`, "policy imports ports"],
  ["src/policy/a.ts", `import { b } from "jose";`, "policy imports the package jose"],
  ["src/audit/a.ts", `import { b } from "../broker/b.ts";`, "audit imports broker"],
  ["src/broker/issue/a.ts", `import { b } from "../../engines/sql/b.ts";`, "broker imports engines/sql"],
  ["src/broker/a.ts", `const b = await import("../../providers/index.ts");`, "broker imports providers"],
  ["src/broker/a.ts", `import { b } from "hono";`, "broker imports the package hono"],
  ["src/attest/a.ts", `import { b } from "../broker/b.ts";`, "attest imports broker"],
  ["src/engines/memory/a.ts", `import { b } from "../sql/b.ts";`, "engines/memory imports engines/sql"],
  ["src/engines/sql/a.ts", `import { b } from "node:sqlite";`, "engines/sql imports node:sqlite"],
  ["src/engines/sql/a.ts", `import { b } from "cloudflare:workers";`, "engines/sql imports cloudflare:workers"],
  ["src/engines/node-sqlite/a.ts", `import { b } from "../memory/b.ts";`, "engines/node-sqlite imports engines/memory"],
  ["providers/vault/a.ts", `import { b } from "../github/b.ts";`, "providers/vault imports providers/github"],
  ["providers/vault/a.ts", `import { b } from "../../src/broker/b.ts";`, "providers/vault imports broker"],
  ["providers/vault/a.ts", `import { b } from "../index.ts";`, "providers/vault imports providers"],
  ["providers/index.ts", `const b = await import(name);`, "imports a computed path"],
  ["src/http/a.ts", `import { b } from "../policy/b.ts";`, "http imports policy; write `import type`"],
  ["src/http/a.ts", `import { b } from "../engines/memory/b.ts";`, "http imports engines/memory"],
  ["src/http/a.ts", `import { b } from "@hono/node-server";`, "http imports the package @hono/node-server"],
  ["src/cli/a.ts", `import { b } from "../entry/b.ts";`, "reach it by `await import()` only"],
  ["src/cli/a.ts", `const b = await import("../engines/sql/b.ts");`, "cli imports engines/sql"],
  ["src/http/a.ts", `const b = await import("../entry/b.ts");`, "http imports entry"],
  ["src/entry/a.ts", `import { b } from "../../test/kit/b.ts";`, "entry imports test/kit/b.ts"],
  ["src/entry/a.ts", `import { b } from "../../providers/vault/fake.ts";`, "imports the test double"],
  ["src/client/a.ts", `import { b } from "../domain/b.ts";`, "client imports domain; write `import type`"],
  ["src/helpers/a.ts", ``, "in no known layer"],
];

const accepted: [path: string, code: string][] = [
  ["src/kernel/a.ts", `import { b } from "./b.ts";`],
  ["src/kernel/a.ts", `// import { b } from "../broker/b.ts";\nconst text = 'import "zod"';`],
  ["src/ports/a.ts", `import type { B } from "../domain/b.ts"; export interface C { b: B }`],
  ["src/policy/a.ts", `import { Environment } from "@marcbachmann/cel-js"; import { parse } from "yaml";`],
  ["src/broker/issue/a.ts", `import { b } from "../end/b.ts"; import { c } from "../../audit/c.ts";`],
  ["src/engines/node-sqlite/a.ts", `import { b } from "../sql/b.ts"; import { c } from "node:sqlite";`],
  ["providers/index.ts", `const b = await import("./vault/provider.ts");`],
  ["providers/github/a.ts", `import { b } from "../shared/b.ts"; import { c } from "jose";`],
  ["src/http/a.ts", `import type { B } from "../policy/b.ts"; import { c } from "hono/body-limit";`],
  ["src/cli/a.ts", `const b = await import("../entry/node.ts"); import { c } from "commander";`],
  ["src/entry/a.ts", `import { b } from "../engines/sql/b.ts"; import { c } from "../../providers/index.ts";`],
];

describe("layers: the rule itself", () => {
  it.each(refused)("%s refuses %s", (path, code, problem) => {
    expect(checkLayers(parseSource(path, code)).join("\n")).toContain(problem);
  });

  it.each(accepted)("%s accepts %s", (path, code) => expect(checkLayers(parseSource(path, code))).toEqual([]));

  it("refuses an undeclared package and accepts a declared one", () => {
    const source = parseSource("src/entry/a.ts", `import a from "left-pad"; import { Hono } from "hono/tiny";`);
    expect(checkPackages(source, forProduction, forAll)).toEqual([expect.stringContaining("imports left-pad")]);
  });
});
