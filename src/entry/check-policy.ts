/** What `mayfly policy check` and `doctor` see: the whole policy folder, with providers made but nothing contacted. */
import { err, type Result } from "../kernel/result.ts";
import type { PolicyFault } from "../policy/parse/fault.ts";
import type { TokenSigner } from "../ports/token-signer.ts";
import type { Environment } from "./config.ts";
import { createNodeEntropy, nodeClock } from "./node-clock.ts";
import { createNodeHttpClient } from "./node-http-client.ts";
import { loadPolicyFolder, type LoadedPolicy } from "./policy-folder.ts";
import { createProviderRegistry } from "./provider-registry.ts";
import { secretResolver } from "./resolve-secret.ts";

export async function checkPolicy(
  dir: string,
  env: Environment,
): Promise<Result<LoadedPolicy, readonly PolicyFault[]>> {
  const http = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 2 });
  const entropy = createNodeEntropy();
  const registry = createProviderRegistry({
    issuerUrl: "https://broker.invalid",
    issuingHttp: http,
    revokingHttp: http,
    signer: noSigner,
    now: () => nodeClock.now(),
    randomBytes: (length) => entropy.bytes(length),
    resolveSecret: secretResolver(env),
  });
  try {
    return await loadPolicyFolder(dir, registry);
  } catch {
    return err([
      { file: dir, line: 1, column: 1, path: "", message: "could not be checked", fix: "report this as a bug" },
    ]);
  } finally {
    await http.close();
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
