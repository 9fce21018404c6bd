/** Secrets of provider options on Workers: the Worker's own secrets, by name. There are no files. */
import { err } from "../../kernel/result.ts";
import type { ProviderTools } from "../../ports/provider.ts";
import type { Environment } from "../parse-setting.ts";
import { parseSecretReference, secretOfEnvironment } from "../secret-reference.ts";

export function edgeSecretResolver(env: Environment): ProviderTools["resolveSecret"] {
  return async (reference) => {
    const parsed = parseSecretReference(reference);
    if (parsed === undefined) return err("must be { env: NAME }; secrets are never written into a policy");
    if (parsed.kind === "env") return secretOfEnvironment(env, parsed.name);
    return err("names a file, and a Worker has none; write { env: NAME } and `wrangler secret put NAME`");
  };
}
