/**
 * A policy from the texts of its files: parsed, with providers made and templates bound. Makes no request. Either
 * everything is good and one set comes out, or every fault is told and nothing changes.
 */
import type { Cancel } from "../kernel/clock.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { bindPolicy } from "../policy/bind.ts";
import { faultAt, type PolicyFault } from "../policy/parse/fault.ts";
import { parsePolicy } from "../policy/parse/parse-policy.ts";
import type { PolicyFile } from "../policy/parse/yaml-documents.ts";
import type { BoundPolicy, PolicySet } from "../policy/resources.ts";
import { plainHttpFaults } from "./plain-http.ts";
import type { ProviderFault, ProviderRegistry, ProviderSet } from "./provider-registry.ts";

/** Where the files are. */
export interface PolicySource {
  /** Left out: a broker starts with what is read, or not at all. */
  readonly kept?: KeptPolicy;
  /** All of them, in name order; never rejects. */
  read(): Promise<Result<readonly PolicyFile[], PolicyFault>>;
  /** Rings when they may read otherwise, or when one of the secret files may. A lost ring costs a moment. */
  watch(ring: () => void, secretFiles: () => readonly string[]): Cancel;
}

/** Where a broker is started again at any time: the last good files, to start with while what is read is refused. */
export interface KeptPolicy {
  read(): Promise<readonly PolicyFile[] | undefined>;
  keep(files: readonly PolicyFile[]): Promise<void>;
}

export interface LoadedPolicy {
  readonly files: readonly PolicyFile[];
  readonly policy: BoundPolicy;
  readonly providers: ProviderSet;
  readonly warnings: readonly PolicyFault[];
  /** What would not work in production; no fault, because development is served by the same files. */
  readonly plainHttp: readonly PolicyFault[];
}

/** More is not a policy that people review. */
export const maxPolicyFiles = 500;

export const isPolicyFile = (path: string): boolean =>
  /\.ya?ml$/.test(path) && !path.split(/[/\\]/).some((name) => name.startsWith("."));

export async function loadPolicy(
  read: Result<readonly PolicyFile[], PolicyFault>,
  registry: ProviderRegistry,
): Promise<Result<LoadedPolicy, readonly PolicyFault[]>> {
  if (!read.ok) return err([read.fault]);
  const files = read.value;
  const parsed = await parsePolicy(files);
  if (!parsed.ok) return parsed;
  const { policy, warnings } = parsed.value;
  const providers = await registry.prepare(policy.providers);
  if (!providers.ok) return err(providers.fault.map((fault) => locate(policy, fault)));
  const bound = bindPolicy(policy, (template) => providers.value.parseScope(template));
  if (!bound.ok) return bound;
  return ok({ files, policy: bound.value, providers: providers.value, warnings, plainHttp: plainHttpFaults(policy) });
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

/** Too few or too many, said of `place`: the same wherever they come from. */
export function refusePolicyCount(place: string, count: number): PolicyFault | null {
  if (count === 0)
    return policyPlaceFault(place, "holds no .yaml file", "put the policy resources there; missing means deny");
  if (count <= maxPolicyFiles) return null;
  return policyPlaceFault(
    place,
    `holds more than ${maxPolicyFiles} files`,
    "split the organisation's policies over brokers",
  );
}

export const policyPlaceFault = (place: string, message: string, fix: string): PolicyFault => ({
  file: place,
  line: 1,
  column: 1,
  path: "",
  message,
  fix,
});
