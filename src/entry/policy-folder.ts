/**
 * The policy folder: its YAML files in name order, parsed, with providers made and templates bound. Makes no request.
 * Either everything is good and one set comes out, or every fault is told and nothing changes.
 */
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { err, ok, type Result } from "../kernel/result.ts";
import { bindPolicy } from "../policy/bind.ts";
import { faultAt, type PolicyFault } from "../policy/parse/fault.ts";
import { parsePolicy } from "../policy/parse/parse-policy.ts";
import type { BoundPolicy, PolicySet } from "../policy/resources.ts";
import { plainHttpFaults } from "./plain-http.ts";
import type { ProviderFault, ProviderRegistry, ProviderSet } from "./provider-registry.ts";

export interface LoadedPolicy {
  readonly policy: BoundPolicy;
  readonly providers: ProviderSet;
  readonly warnings: readonly PolicyFault[];
  /** What would not work in production; no fault, because development is served by the same files. */
  readonly plainHttp: readonly PolicyFault[];
}

/** A folder with more is not a policy that people review. */
const maxFiles = 500;

export async function loadPolicyFolder(
  dir: string,
  registry: ProviderRegistry,
): Promise<Result<LoadedPolicy, readonly PolicyFault[]>> {
  const files = await readFiles(dir);
  if (!files.ok) return err([files.fault]);
  const parsed = await parsePolicy(files.value);
  if (!parsed.ok) return parsed;
  const { policy, warnings } = parsed.value;
  const providers = await registry.prepare(policy.providers);
  if (!providers.ok) return err(providers.fault.map((fault) => locate(policy, fault)));
  const bound = bindPolicy(policy, (template) => providers.value.parseScope(template));
  if (!bound.ok) return bound;
  return ok({ policy: bound.value, providers: providers.value, warnings, plainHttp: plainHttpFaults(policy) });
}

function locate(policy: PolicySet, fault: ProviderFault): PolicyFault {
  const origin = policy.origins.get(`Provider/${fault.name}`);
  const problem = {
    path: ["spec", ...fault.path.split(".")],
    message: fault.message,
    fix: "see the provider's README for its options",
  };
  return origin === undefined
    ? { file: "", line: 1, column: 1, path: problem.path.join("."), message: fault.message, fix: problem.fix }
    : faultAt(origin, problem);
}

/**
 * In name order, relative to the folder. Links to files count: a mounted configuration map is made of them, with the
 * files themselves in a folder whose name begins with a dot. Such names are left out, or both would be read.
 */
export async function listPolicyFiles(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && /\.ya?ml$/.test(entry.name))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split(sep).some((name) => name.startsWith(".")))
    .toSorted();
}

type File = { readonly path: string; readonly text: string };

async function readFiles(dir: string): Promise<Result<readonly File[], PolicyFault>> {
  const fault = (message: string, fix: string): Result<never, PolicyFault> =>
    err({ file: dir, line: 1, column: 1, path: "", message, fix });
  try {
    const paths = await listPolicyFiles(dir);
    if (paths.length === 0) return fault("holds no .yaml file", "put the policy resources there; missing means deny");
    if (paths.length > maxFiles)
      return fault(`holds more than ${maxFiles} files`, "split the organisation's policies over brokers");
    return ok(await Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(dir, path), "utf8") }))));
  } catch {
    return fault("cannot be read", "check that it is a folder, and that this user may read it and every file in it");
  }
}
