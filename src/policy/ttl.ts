/**
 * The lifetime of a credential: the least of all bounds, with the name of the one that won (promise P8). It is never
 * rounded up; where the provider cannot live that short, the answer is a refusal, unless an early kill is allowed.
 */
import type { Capabilities } from "../domain/capabilities.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { seconds, type Seconds } from "../kernel/time.ts";
import { canKillEarly, shortestLifeSeconds } from "./requirements.ts";

export interface TtlBound {
  readonly name: string;
  readonly seconds: number;
}

export interface Ttl {
  readonly ttlSeconds: Seconds;
  readonly bound: string;
}

export function chooseTtl(
  bounds: readonly [TtlBound, ...TtlBound[]],
  options: { readonly capabilities: Capabilities; readonly allowEarlyKill: boolean },
): Result<Ttl, string> {
  const { capabilities, allowEarlyKill } = options;
  // The first of equals wins, so that the answer does not depend on the order of anything but the list.
  const least = bounds.reduce((left, right) => (right.seconds < left.seconds ? right : left));
  const allowed = Math.floor(least.seconds);
  if (!(allowed >= 1)) return err(`${least.name} leaves no time`);
  const granularity = capabilities.ttl.kind === "chosen" ? Math.max(1, capabilities.ttl.granularitySeconds) : 1;
  const rounded = Math.floor(allowed / granularity) * granularity;
  const shortest = shortestLifeSeconds(capabilities);
  if (rounded >= 1 && rounded >= shortest) return ok({ ttlSeconds: seconds(rounded), bound: least.name });
  if (allowEarlyKill && canKillEarly(capabilities)) return ok({ ttlSeconds: seconds(allowed), bound: least.name });
  return err(
    `${least.name} allows ${allowed} s, the provider's credentials live at least ${Math.max(shortest, granularity)} s`,
  );
}
