/** What `mayfly policy check` and `doctor` see: the whole policy folder, with providers made but nothing contacted. */
import { err, ok, type Result } from "../kernel/result.ts";
import type { PolicyFault } from "../policy/parse/fault.ts";
import type { TokenSigner } from "../ports/token-signer.ts";
import type { Environment } from "./config.ts";
import { connectProviders } from "./connections.ts";
import type { LoadedPolicy } from "./load-policy.ts";
import { createSystemEntropy, systemClock } from "./system-clock.ts";
import { openConnections } from "./node-connections.ts";
import { loadPolicyFolder } from "./policy-folder.ts";
import { secretResolver } from "./resolve-secret.ts";

export async function checkPolicy(
  dir: string,
  env: Environment,
): Promise<Result<LoadedPolicy, readonly PolicyFault[]>> {
  const connections = openConnections("development");
  const registry = connectProviders(connections, {
    issuerUrl: "https://broker.invalid",
    resolveSecret: secretResolver(env),
    clock: systemClock,
    entropy: createSystemEntropy(),
    signer: noSigner,
  });
  try {
    const loaded = await loadPolicyFolder(dir, registry);
    if (!loaded.ok) return loaded;
    return ok({ ...loaded.value, warnings: [...loaded.value.warnings, ...loaded.value.plainHttp] });
  } catch {
    return err([
      { file: dir, line: 1, column: 1, path: "", message: "could not be checked", fix: "report this as a bug" },
    ]);
  } finally {
    await registry.close();
    await connections.close();
  }
}

/** A check signs nothing. */
const noSigner: TokenSigner = {
  sign: () => {
    throw new Error("nothing is signed during a check");
  },
  publicKeys: () => [],
  verify: async () => undefined,
};
