/** Secrets of provider options: `{ env: NAME }` or `{ file: PATH }`, read when the provider is made. Never inline. */
import { readFile } from "node:fs/promises";
import type { Json } from "../kernel/canonical-json.ts";
import { Redacted } from "../kernel/redacted.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { Environment } from "./config.ts";

export function secretResolver(env: Environment): (reference: Json) => Promise<Result<Redacted, string>> {
  return async (reference) => {
    const member = onlyMember(reference);
    if (member?.name === "env") {
      const value = env[member.value];
      return value === undefined || value === ""
        ? err(`the environment has no ${member.value}`)
        : ok(new Redacted(value, member.value));
    }
    if (member?.name === "file") {
      try {
        return ok(new Redacted((await readFile(member.value, "utf8")).replace(/\r?\n$/, ""), "secret file"));
      } catch {
        return err(`${member.value} cannot be read`);
      }
    }
    return err("must be { env: NAME } or { file: PATH }; secrets are never written into a policy");
  };
}

/** The path of a reference to a file. */
export function secretFileOf(reference: Json): string | undefined {
  const member = onlyMember(reference);
  return member?.name === "file" ? member.value : undefined;
}

function onlyMember(reference: Json): { name: string; value: string } | undefined {
  if (reference === null || typeof reference !== "object" || Array.isArray(reference)) return undefined;
  const [first, ...more] = Object.entries(reference);
  return first !== undefined && more.length === 0 && typeof first[1] === "string"
    ? { name: first[0], value: first[1] }
    : undefined;
}
