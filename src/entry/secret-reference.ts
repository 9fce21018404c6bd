/** How provider options write a secret: `{ env: NAME }` or `{ file: PATH }`, never inline. */
import type { Json } from "../kernel/canonical-json.ts";
import { Redacted } from "../kernel/redacted.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { Environment } from "./config.ts";

export interface SecretReference {
  readonly kind: "env" | "file";
  readonly name: string;
}

export const malformedReference = "must be { env: NAME } or { file: PATH }; secrets are never written into a policy";

export function parseSecretReference(reference: Json): SecretReference | undefined {
  if (reference === null || typeof reference !== "object" || Array.isArray(reference)) return undefined;
  const [first, ...more] = Object.entries(reference);
  if (first === undefined || more.length > 0 || typeof first[1] !== "string") return undefined;
  const [kind, name] = first;
  return kind === "env" || kind === "file" ? { kind, name } : undefined;
}

/** The path of a reference to a file. */
export function secretFileOf(reference: Json): string | undefined {
  const parsed = parseSecretReference(reference);
  return parsed?.kind === "file" ? parsed.name : undefined;
}

/** The broker's own settings, its key rings among them, are for no provider: a policy could send them to anybody. */
const isOwnSetting = (name: string): boolean => name.startsWith("MAYFLY_");

export function secretOfEnvironment(env: Environment, name: string): Result<Redacted, string> {
  if (isOwnSetting(name)) return err(`${name} is a setting of the broker itself, and no secret of a provider`);
  const value = env[name];
  return value === undefined || value === "" ? err(`the environment has no ${name}`) : ok(new Redacted(value, name));
}
