/** What is deployed: the Workers of wrangler.toml, bundled and minified by wrangler; what is in it, and how large it is. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { quietWrangler } from "../../scripts/worker/quiet-wrangler.ts";

const root = join(import.meta.dirname, "../..");

/** As esbuild writes it. */
interface Metafile {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<
    Record<string, { readonly imports: readonly { readonly path: string; readonly external?: boolean }[] }>
  >;
}

interface Deployed {
  readonly bundle: Buffer;
  readonly metafile: Metafile;
}

/** As `wrangler deploy` would, for an environment of that file. */
function bundleFor(environment: readonly string[], file: string): Deployed {
  const folder = mkdtempSync(join(tmpdir(), "mayfly-deploy-"));
  try {
    const [policy, config, metadata] = ["policy.json", "wrangler.toml", "meta.json"].map((name) => join(folder, name));
    if (policy === undefined || config === undefined || metadata === undefined) throw new Error("no names");
    writeFileSync(policy, "[]");
    writeFileSync(config, configWith(policy));
    const args = ["deploy", "--dry-run", "--minify", "--outdir", folder, "--metafile", metadata, "--config", config];
    execFileSync(join(root, "node_modules/.bin/wrangler"), [...args, ...environment], {
      cwd: folder,
      env: { ...process.env, ...quietWrangler(folder) },
    });
    return {
      bundle: readFileSync(join(folder, file)),
      metafile: JSON.parse(readFileSync(metadata, "utf8")) as Metafile,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The file of this repository, with its paths from elsewhere and a policy of this test. */
function configWith(policy: string): string {
  const text = readFileSync(join(root, "wrangler.toml"), "utf8");
  return text
    .replace(/^main = "(.*)"$/gm, (_, path: string) => `main = ${JSON.stringify(join(root, path))}`)
    .replace(/"\.\/node_modules/g, `"${root}/node_modules`)
    .replace(/^\[alias\]$/m, `[alias]\n"#policy" = ${JSON.stringify(policy)}`)
    .replace(/^\[build\]\ncommand = .*$/m, "");
}

const packagesIn = ({ inputs }: Metafile): readonly string[] => [
  ...new Set(Object.keys(inputs).flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])),
];

const sourcesIn = ({ inputs }: Metafile): readonly string[] =>
  Object.keys(inputs).filter((path) => !path.includes("node_modules"));

const modulesAskedOf = ({ outputs }: Metafile): readonly string[] => {
  const outside = Object.values(outputs).flatMap(({ imports }) => imports);
  return [...new Set(outside.filter(({ external }) => external === true).map(({ path }) => path))].toSorted();
};

function tellSize(name: string, bundle: Buffer): number {
  const compressed = gzipSync(bundle, { level: 9 }).length;
  console.log(`${name}: ${kilobytes(bundle.length)} kB, ${kilobytes(compressed)} kB with gzip`);
  return compressed;
}

const kilobytes = (bytes: number): number => Math.round(bytes / 1000);

/** What belongs to a process on Node. */
const ofNode = ["bullmq", "pg", "pino", "prom-client", "undici", "@hono/node-server", "commander"];
const sourcesOfNode = /\/(engines\/node-sqlite|cli|providers\/postgres)\/|\/entry\/node-/;

describe("the Worker with Durable Objects", () => {
  let deployed: Deployed;
  beforeAll(() => {
    deployed = bundleFor([], "worker.js");
  }, 60_000);

  it("holds nothing that talks to Redis or needs a socket, a file or a process", () => {
    const found = packagesIn(deployed.metafile);
    expect(found).toContain("hono");
    expect([...ofNode, "ioredis"].filter((name) => found.includes(name))).toEqual([]);
    const sources = sourcesIn(deployed.metafile);
    expect(sources.filter((path) => sourcesOfNode.test(path) || path.includes("/engines/redis/"))).toEqual([]);
  });

  it("asks of the runtime only what it has", () => {
    // All but the first two are node-vault's; what it makes with them at the edge is a client over fetch.
    expect(modulesAskedOf(deployed.metafile)).toEqual(
      ["cloudflare:workers", "node:crypto", "events", "https", "tty", "util"].toSorted(),
    );
  });

  it("is small", () => {
    expect(tellSize("the Worker", deployed.bundle)).toBeLessThan(1_000_000);
  });
});

describe("the Worker on a shared Redis", () => {
  let deployed: Deployed;
  beforeAll(() => {
    deployed = bundleFor(["--env", "redis"], "worker-redis.js");
  }, 60_000);

  it("holds one client of Redis, no queue, and no ledger of its own", () => {
    const found = packagesIn(deployed.metafile);
    expect(found).toContain("ioredis");
    expect(ofNode.filter((name) => found.includes(name))).toEqual([]);
    const unwanted = /\/engines\/(durable-object|sql)\//;
    expect(sourcesIn(deployed.metafile).filter((path) => sourcesOfNode.test(path) || unwanted.test(path))).toEqual([]);
  });

  it("is small", () => {
    expect(tellSize("the Worker on Redis", deployed.bundle)).toBeLessThan(1_000_000);
  });
});
