/** The policy as a folder of YAML files, read in name order. */
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Clock } from "../kernel/clock.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { PolicyFault } from "../policy/parse/fault.ts";
import type { PolicyFile } from "../policy/parse/yaml-documents.ts";
import type { Log } from "../ports/log.ts";
import { isPolicyFile, loadPolicy, policyPlaceFault, refusePolicyCount } from "./load-policy.ts";
import type { LoadedPolicy, PolicySource } from "./load-policy.ts";
import type { ProviderRegistry } from "./provider-registry.ts";
import { watchFolder } from "./watch-folder.ts";

export const policyFolder = (dir: string, tools: { readonly clock: Clock; readonly log: Log }): PolicySource => ({
  read: () => readPolicyFolder(dir),
  watch: (ring, secretFiles) =>
    watchFolder({ ...tools, dir, listFiles: () => listPolicyFiles(dir), moreFiles: secretFiles }, ring),
});

export const loadPolicyFolder = async (
  dir: string,
  registry: ProviderRegistry,
): Promise<Result<LoadedPolicy, readonly PolicyFault[]>> => loadPolicy(await readPolicyFolder(dir), registry);

/**
 * Relative to the folder. Links to files count: a mounted configuration map is made of them, with the files themselves
 * in a folder whose name begins with a dot. Such names are left out, or both would be read.
 */
async function listPolicyFiles(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter(isPolicyFile)
    .toSorted();
}

async function readPolicyFolder(dir: string): Promise<Result<readonly PolicyFile[], PolicyFault>> {
  try {
    const paths = await listPolicyFiles(dir);
    const refusal = refusePolicyCount(dir, paths.length);
    if (refusal !== null) return err(refusal);
    return ok(await Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(dir, path), "utf8") }))));
  } catch {
    const fix = "check that it is a folder, and that this user may read it and every file in it";
    return err(policyPlaceFault(dir, "cannot be read", fix));
  }
}
