/**
 * A Worker bundled as a deployment would be, by wrangler itself. That takes seconds, so what was bundled is kept, under a
 * digest of all sources that could be in it.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { quietWrangler } from "../../../scripts/worker/quiet-wrangler.ts";

const root = join(import.meta.dirname, "../../..");
const kept = join(root, "node_modules/.cache/mayfly/workers");

/** Not later than the runtime that wrangler brings. */
export const compatibilityDate = "2026-10-01";
export const compatibilityFlags = ["enable_request_signal", "request_signal_passthrough"];

/** Answers the file of the bundle. `classes` are the object classes that the entry exports. */
export async function bundleWorker(entry: string, classes: readonly string[]): Promise<string> {
  const target = join(kept, `${basename(entry, ".ts")}-${digestOfSources()}.js`);
  if (existsSync(target)) return target;
  const folder = mkdtempSync(join(tmpdir(), "mayfly-bundle-"));
  try {
    writeFileSync(join(folder, "wrangler.toml"), configOf(entry, classes));
    const args = ["deploy", "--dry-run", "--outdir", "out", "--config", "wrangler.toml"];
    const env = { ...process.env, ...quietWrangler(folder) };
    await promisify(execFile)(join(root, "node_modules/.bin/wrangler"), args, { cwd: folder, env });
    mkdirSync(kept, { recursive: true });
    const text = readFileSync(join(folder, "out", `${basename(entry, ".ts")}.js`));
    // Another process may be at it, too: a file appears whole or not at all.
    writeFileSync(`${target}.${process.pid}`, text);
    renameSync(`${target}.${process.pid}`, target);
    return target;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function configOf(entry: string, classes: readonly string[]): string {
  const bindings = classes.map(
    (name) => `[[durable_objects.bindings]]\nname = "${name.toUpperCase()}"\nclass_name = "${name}"\n`,
  );
  return `name = "test"
main = ${JSON.stringify(entry)}
compatibility_date = "${compatibilityDate}"
send_metrics = false
${aliases()}${bindings.join("")}[[migrations]]
tag = "v1"
new_sqlite_classes = ${JSON.stringify(classes)}
`;
}

/** As a deployment has them, with their paths made to hold in another folder. */
function aliases(): string {
  const text = readFileSync(join(root, "wrangler.toml"), "utf8");
  const section = /^\[alias\]\n(?:[^[\n].*\n)*/m.exec(text)?.[0];
  if (section === undefined) throw new Error("wrangler.toml has no aliases");
  return section.replaceAll('"./', `"${root}/`);
}

function digestOfSources(): string {
  const files = globSync(
    ["src/**/*.ts", "providers/**/*.ts", "test/support/**/*.ts", "package-lock.json", "wrangler.toml"],
    {
      cwd: root,
    },
  );
  const hash = createHash("sha256");
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 16);
}
