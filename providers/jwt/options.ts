/** Options of the `jwt` provider. */
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { Result } from "../../src/kernel/result.ts";
import { seconds, type Seconds } from "../../src/kernel/time.ts";
import { readMembers } from "../shared/members.ts";

export interface JwtOptions {
  readonly maxTtlSeconds: Seconds;
}

/** A signing key may retire only after this, so it is no longer than a working day. */
const longestTtlSeconds = 8 * 3600;
const defaultMaxTtlSeconds = 3600;

export function parseJwtOptions(options: JsonObject): Result<JwtOptions, ScopeFault> {
  const members = readMembers(options);
  const maxTtlSeconds = members.whole("maxTtlSeconds", { min: 1, max: longestTtlSeconds }) ?? defaultMaxTtlSeconds;
  return members.done(() => ({ maxTtlSeconds: seconds(maxTtlSeconds) }));
}
