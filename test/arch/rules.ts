/**
 * The rules of the house as functions from one source file to its violations. Each message names the fix. The tests
 * beside this file run them over the repository, and over samples which prove that each rule can fail.
 */
import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { isNode, lineAt, nodesOf, type Node, type SourceFile } from "./source.ts";

/** `path:line problem; fix` */
export type Violation = string;

interface LayerRule {
  /** Other layers this one may import; its own folder is always allowed. A `type:` layer only by `import type`. */
  layers: readonly string[];
  /** npm packages it may import; "any" is any declared dependency. Add a provider's or engine's own SDK here. */
  packages?: readonly string[] | "any";
  /** May import `node:` modules. */
  node?: boolean;
  /** May hold no values: only `import type`, only exported types. */
  typesOnly?: boolean;
}

const inner = ["kernel", "domain", "ports"];
const portSide: LayerRule = { layers: inner };

/** Who may import what. A folder below engines/ or providers/ without its own row takes the row with the star. */
export const layerRules: Readonly<Record<string, LayerRule>> = {
  kernel: { layers: [] },
  domain: { layers: ["kernel"] },
  ports: { layers: ["kernel", "domain"], typesOnly: true },
  policy: { layers: ["kernel", "domain"], packages: ["yaml", "zod", "@marcbachmann/cel-js"] },
  audit: portSide,
  broker: { layers: [...inner, "policy", "audit"] },
  attest: { layers: inner, packages: ["jose"] },
  keys: { layers: inner, packages: ["jose"] },
  "engines/*": portSide,
  "engines/durable-object": {
    layers: [...inner, "engines/sql"],
    packages: ["@cloudflare/workers-types"],
    node: true,
  },
  "engines/redis": { layers: inner, packages: ["bullmq", "ioredis"] },
  "engines/node-sqlite": { layers: [...inner, "engines/sql"], node: true },
  providers: { layers: [...inner, "providers/*"] },
  "providers/aws-sts": {
    layers: [...inner, "providers/shared"],
    packages: ["@aws-sdk/client-iam", "@aws-sdk/client-sts", "@smithy/signature-v4"],
  },
  "providers/*": { layers: [...inner, "providers/shared"], packages: ["jose"] },
  "providers/postgres": { layers: [...inner, "providers/shared"], packages: ["pg"] },
  "providers/vault": { layers: [...inner, "providers/shared"], packages: ["node-vault"] },
  http: { layers: [...inner, "broker", "type:policy"], packages: ["hono", "zod"] },
  console: { layers: [...inner, "broker"], packages: ["hono"] },
  client: { layers: ["type:kernel", "type:domain"] },
  cli: {
    layers: [...inner, "policy", "broker", "audit", "http", "console", "client", "lazy:entry"],
    packages: "any",
    node: true,
  },
  entry: {
    layers: [
      ...inner,
      "policy",
      "audit",
      "broker",
      "attest",
      "keys",
      "engines/*",
      "providers",
      "providers/*",
      "http",
      "console",
    ],
    packages: "any",
    node: true,
  },
};

/** `src/engines/sql/x.ts` -> `engines/sql`; `src/http/x.ts` -> `http`; `providers/index.ts` -> `providers`. */
export function layerOf(path: string): string {
  const [top = "", second, third] = path.replace(/^src\//, "").split("/");
  const isNested = (top === "engines" || top === "providers") && third !== undefined;
  return isNested ? `${top}/${second}` : top;
}

const rowOf = (layer: string): LayerRule | undefined => layerRules[layer] ?? layerRules[starOf(layer)];
const starOf = (layer: string): string => layer.replace(/\/.*/, "/*");

interface Import {
  /** Undefined when the path is computed. */
  target: string | undefined;
  kind: "value" | "type" | "lazy";
  start: number;
}

const literalOf = (node: unknown): string | undefined =>
  isNode(node) && typeof node["value"] === "string" ? node["value"] : undefined;

export function importsOf(source: SourceFile): Import[] {
  const found: Import[] = [];
  for (const node of nodesOf(source.program)) {
    const isType = node["importKind"] === "type" || node["exportKind"] === "type";
    if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type) && isNode(node["source"]))
      found.push({ target: literalOf(node["source"]), kind: isType ? "type" : "value", start: node.start });
    if (node.type === "TSImportType") {
      const path = node["source"] ?? node["argument"];
      found.push({
        target: literalOf(isNode(path) ? (path["literal"] ?? path) : path),
        kind: "type",
        start: node.start,
      });
    }
    if (node.type === "ImportExpression")
      found.push({ target: literalOf(node["source"]), kind: "lazy", start: node.start });
  }
  return found;
}

/** The modules that the Workers runtime itself brings, and what is put into a Worker when it is built. */
const isOfWorkers = (target: string): boolean => target.startsWith("cloudflare:") || target === "#policy";

const packageOf = (target: string): string => target.split("/", target.startsWith("@") ? 2 : 1).join("/");
const at = (source: SourceFile, start: number): string => `${source.path}:${lineAt(source, start)}`;

/** Layers: imports run one way. For files of src/ and providers/. */
export function checkLayers(source: SourceFile): Violation[] {
  const layer = layerOf(source.path);
  const row = rowOf(layer);
  if (!row) return [`${source.path}:1 is in no known layer; move it, or add a row to layerRules in test/arch/rules.ts`];
  const violations = importsOf(source).flatMap((found) => {
    const problem = problemOfImport({ source, layer, row, found });
    return problem ? [`${at(source, found.start)} ${problem}`] : [];
  });
  return row.typesOnly ? [...violations, ...checkHoldsNoValues(source, layer)] : violations;
}

function problemOfImport(options: { source: SourceFile; layer: string; row: LayerRule; found: Import }) {
  const { source, layer, row, found } = options;
  const { target, kind } = found;
  if (target === undefined) return "imports a computed path; write it as a literal so that the layers can be checked";
  if (isBuiltin(target) || isOfWorkers(target))
    return row.node ? undefined : `${layer} imports ${target}; use a web-standard API, or put this behind a port`;
  if (row.typesOnly && kind !== "type") return `${layer} imports a value from ${target}; write \`import type\``;
  if (!target.startsWith(".")) {
    const name = packageOf(target);
    if (row.packages === "any" || row.packages?.includes(name)) return undefined;
    return `${layer} imports the package ${name}; put this behind a port, or name the package in its layer's row`;
  }
  const path = posix.join(posix.dirname(source.path), target);
  if (posix.basename(path) === "fake.ts") return `imports the test double ${target}; only files under test/ may`;
  const other = layerOf(path);
  const isInside = path.startsWith("src/") || path.startsWith("providers/");
  if (isInside && (other === layer || mayReach(row, other, kind))) return undefined;
  return `${layer} imports ${isInside ? other : path}${advice(row, other)}`;
}

function mayReach(row: LayerRule, other: string, kind: Import["kind"]): boolean {
  const names = [other, starOf(other)];
  if (kind === "lazy" && row.layers.includes(`lazy:${other}`)) return true;
  if (kind === "type" && names.some((name) => row.layers.includes(`type:${name}`))) return true;
  return names.some((name) => row.layers.includes(name));
}

function advice(row: LayerRule, other: string): string {
  if (row.layers.includes(`lazy:${other}`)) return "; reach it by `await import()` only";
  if (row.layers.includes(`type:${other}`)) return "; write `import type`";
  return `; it may import ${row.layers.join(", ") || "nothing"}: pass the thing in as a parameter, or move the code`;
}

function checkHoldsNoValues(source: SourceFile, layer: string): Violation[] {
  const values = ["VariableDeclaration", "FunctionDeclaration", "ClassDeclaration"];
  const exported = [...nodesOf(source.program)].filter(
    ({ type, declaration }) =>
      type === "ExportDefaultDeclaration" ||
      (type === "ExportNamedDeclaration" && isNode(declaration) && values.includes(declaration.type)),
  );
  return exported.map((node) => `${at(source, node.start)} ${layer} exports a value; ports hold types only, move it`);
}

/**
 * Every npm package imported is declared: production code in `dependencies`, the rest also in `devDependencies`, and so
 * is what only gives types, which are gone when it runs.
 */
export function checkPackages(
  source: SourceFile,
  declared: ReadonlySet<string>,
  forTypes: ReadonlySet<string> = declared,
): Violation[] {
  return importsOf(source).flatMap(({ target, kind, start }) => {
    if (target === undefined || target.startsWith(".") || isBuiltin(target) || isOfWorkers(target)) return [];
    const name = packageOf(target);
    return (kind === "type" ? forTypes : declared).has(name)
      ? []
      : [`${at(source, start)} imports ${name}; add it to package.json with its version`];
  });
}

const mayTouchTheMachine = /^src\/(entry|cli|engines\/node-sqlite)\//;
const bannedCalls = new Map(
  Object.entries({
    "Date.now": "take `now` or a Clock as a parameter",
    "performance.now": "take a Clock as a parameter",
    "new Date": "take `now` as a parameter; `new Date(value)` is fine",
    Date: "take `now` as a parameter",
    setTimeout: "use the Clock or waker that is passed in",
    setInterval: "use the Clock or waker that is passed in",
    "Math.random": "take an Entropy as a parameter",
    "crypto.randomUUID": "take an Entropy as a parameter",
    randomUUID: "take an Entropy as a parameter",
  }),
);

/** Clock, timers, chance and the process are reached through parameters only. */
export function checkCalls(source: SourceFile): Violation[] {
  if (mayTouchTheMachine.test(source.path)) return [];
  const violations: Violation[] = [];
  for (const node of nodesOf(source.program)) {
    if (node.type === "MemberExpression" && nameOf(node["object"]) === "process")
      violations.push(`${at(source, node.start)} uses process; read it in src/entry and pass the value in`);
    const isNew = node.type === "NewExpression" && Array.isArray(node["arguments"]) && node["arguments"].length === 0;
    if (!isNew && node.type !== "CallExpression") continue;
    const name = `${isNew ? "new " : ""}${nameOf(node["callee"])}`;
    const fix = bannedCalls.get(name.replace("globalThis.", ""));
    if (fix) violations.push(`${at(source, node.start)} calls ${name}; ${fix}`);
  }
  return violations;
}

/** `a.b.c` of a chain of plain names, else an empty text. */
function nameOf(node: unknown): string {
  if (!isNode(node)) return "";
  if (node.type === "Identifier") return String(node["name"]);
  if (node.type !== "MemberExpression") return "";
  const object = nameOf(node["object"]);
  return object ? `${object}.${propertyOf(node)}` : "";
}

const propertyOf = (node: Node): string =>
  isNode(node["property"]) ? String(node["property"]["name"] ?? node["property"]["value"]) : "";

/** A secret is opened only in the listed files, and a listed file does open one. */
export function checkReveal(source: SourceFile, allowed: Readonly<Record<string, string>>): Violation[] {
  const uses = [...nodesOf(source.program)].filter(
    (node) => node.type === "MemberExpression" && propertyOf(node) === "reveal",
  );
  const first = uses[0];
  const list = "test/arch/reveal-allowed.json";
  if (first && !allowed[source.path])
    return [`${at(source, first.start)} opens a secret; pass the Redacted on, or add the file and why to ${list}`];
  if (!first && allowed[source.path]) return [`${source.path}:1 opens no secret any more; take it out of ${list}`];
  return [];
}

export const maxLines = 300;

/** Size and opening of a production file. */
export function checkShape(source: SourceFile): Violation[] {
  const lines = source.text.trimEnd().split("\n").length;
  const opening = source.text.replace(/^#!.*\n/, "").trimStart();
  return [
    ...(lines > maxLines ? [`${source.path}:${maxLines} has ${lines} lines; split it by step or by verb`] : []),
    ...(/^\/[*/]/.test(opening)
      ? []
      : [`${source.path}:1 opens with no comment; say what it is for and what it must never do`]),
  ];
}

/** Spelled with a gap, or this file would break its own rule. */
const leftovers = new RegExp(
  String.raw`\b(${"TO-DO FIX-ME XX-X HA-CK".replaceAll("-", "").replaceAll(" ", "|")})\b`,
  "g",
);

/** No leftovers, no `any`, no test that is switched off. */
export function checkWords(source: SourceFile): Violation[] {
  const violations = [...source.text.matchAll(leftovers)].map(
    (match) => `${at(source, match.index)} leaves a ${match[0]}; do it, or open an issue`,
  );
  for (const node of nodesOf(source.program)) {
    if (node.type === "TSAnyKeyword") violations.push(`${at(source, node.start)} uses any; use unknown and parse it`);
    if (
      node.type === "MemberExpression" &&
      /^(it|test|describe)(\..+)?\.(skip|only|todo|skipIf|runIf)$/.test(nameOf(node))
    )
      violations.push(
        `${at(source, node.start)} switches tests on or off; call context.skip(condition, reason) in the test`,
      );
  }
  return violations;
}
