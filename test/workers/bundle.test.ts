/** What is deployed: the Worker of wrangler.toml, bundled and minified by wrangler; what is in it, and how large it is. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { quietWrangler } from "../../scripts/worker/quiet-wrangler.ts";

const root = join(import.meta.dirname, "../..");

/** As esbuild writes it. */
interface Metafile {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<
    Record<string, { readonly imports: readonly { readonly path: string; readonly external?: boolean }[] }>
  >;
}

let folder: string;
let metafile: Metafile;
let bundle: Buffer;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mayfly-deploy-"));
  const [policy, config, metadata] = ["policy.json", "wrangler.toml", "meta.json"].map((name) => join(folder, name));
  if (policy === undefined || config === undefined || metadata === undefined) throw new Error("no names");
  writeFileSync(policy, "[]");
  writeFileSync(config, configWith(policy));
  const args = ["deploy", "--dry-run", "--minify", "--outdir", folder, "--metafile", metadata, "--config", config];
  execFileSync(join(root, "node_modules/.bin/wrangler"), args, {
    cwd: folder,
    env: { ...process.env, ...quietWrangler(folder) },
  });
  bundle = readFileSync(join(folder, "worker.js"));
  metafile = JSON.parse(readFileSync(metadata, "utf8")) as Metafile;
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** The file of this repository, with its paths from elsewhere and a policy of this test. */
function configWith(policy: string): string {
  const text = readFileSync(join(root, "wrangler.toml"), "utf8");
  return text
    .replace(/^main = "(.*)"$/m, (_, path: string) => `main = ${JSON.stringify(join(root, path))}`)
    .replace(/"\.\/node_modules/g, `"${root}/node_modules`)
    .replace(/^\[alias\]$/m, `[alias]\n"#policy" = ${JSON.stringify(policy)}`)
    .replace(/^\[build\]\ncommand = .*$/m, "");
}

const packagesIn = ({ inputs }: Metafile): readonly string[] => [
  ...new Set(Object.keys(inputs).flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])),
];

it("holds nothing that talks to Redis or needs a socket, a file or a process", () => {
  const found = packagesIn(metafile);
  expect(found).toContain("hono");
  const unwanted = ["ioredis", "bullmq", "pg", "pino", "prom-client", "undici", "@hono/node-server", "commander"];
  expect(unwanted.filter((name) => found.includes(name))).toEqual([]);
  const sources = Object.keys(metafile.inputs).filter((path) => !path.includes("node_modules"));
  expect(
    sources.filter((path) => /\/(engines\/(redis|node-sqlite)|cli|providers\/postgres)\/|\/entry\/node-/.test(path)),
  ).toEqual([]);
});

it("asks of the runtime only what it has", () => {
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  const names = [...new Set(outside.filter(({ external }) => external === true).map(({ path }) => path))].toSorted();
  // All but the first two are node-vault's; what it makes with them at the edge is a client over fetch.
  expect(names).toEqual(["cloudflare:workers", "node:crypto", "events", "https", "tty", "util"].toSorted());
});

it("is small", () => {
  const compressed = gzipSync(bundle, { level: 9 }).length;
  console.log(`the Worker: ${kilobytes(bundle.length)} kB, ${kilobytes(compressed)} kB with gzip`);
  expect(compressed).toBeLessThan(1_000_000);
});

const kilobytes = (bytes: number): number => Math.round(bytes / 1000);
