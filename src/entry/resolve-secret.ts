/** Secrets of provider options on Node: from the environment, or from a file. Read when the provider is made. */
import { readFile } from "node:fs/promises";
import { Redacted } from "../kernel/redacted.ts";
import { err, ok } from "../kernel/result.ts";
import type { ProviderTools } from "../ports/provider.ts";
import type { Environment } from "./config.ts";
import { malformedReference, parseSecretReference, secretOfEnvironment } from "./secret-reference.ts";

export function secretResolver(env: Environment): ProviderTools["resolveSecret"] {
  return async (reference) => {
    const parsed = parseSecretReference(reference);
    if (parsed === undefined) return err(malformedReference);
    if (parsed.kind === "env") return secretOfEnvironment(env, parsed.name);
    try {
      return ok(new Redacted((await readFile(parsed.name, "utf8")).replace(/\r?\n$/, ""), "secret file"));
    } catch {
      return err(`${parsed.name} cannot be read`);
    }
  };
}
