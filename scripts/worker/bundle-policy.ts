/**
 * Puts the policy folder into one file that is deployed with the Worker: `MAYFLY_POLICY` names the folder. Run by
 * wrangler before each build. `MAYFLY_POLICY_BUNDLE` is another place for that file, for a build that must leave that of
 * others alone.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import process, { env } from "node:process";

const root = join(import.meta.dirname, "../..");
const folder = env["MAYFLY_POLICY"] || join(root, "policy");
const target = env["MAYFLY_POLICY_BUNDLE"] || join(root, ".worker/policy.json");

function readFolder() {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return (
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => relative(folder, path).replaceAll(sep, "/"))
      // A repository's own folder, an editor's copies.
      .filter((path) => !/(^|\/)\./.test(path))
      .toSorted()
      .map((path) => ({ path, text: readFileSync(join(folder, path), "utf8") }))
  );
}

try {
  const files = readFolder();
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, JSON.stringify(files));
  process.stderr.write(`mayfly: the policy of ${folder} (${files.length} files) goes with the Worker\n`);
} catch {
  process.stderr.write(
    `mayfly: ${folder} cannot be read; set MAYFLY_POLICY to the folder of the policy. Nothing was built.\n`,
  );
  process.exitCode = 1;
}
