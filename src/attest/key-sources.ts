/**
 * One key source per issuer, kept over policy reloads while its location stays the same, so that a reload neither
 * refetches keys nor resets a cool-down. Bounded by the number of issuers ever trusted.
 */
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../ports/log.ts";
import type { TrustedIssuer, IssuerKeys } from "../domain/trusted-issuer.ts";
import { loadKeySetText, type KeyLocationTools } from "./key-location.ts";
import { createKeySource, type KeySource } from "./key-source.ts";

export type KeySources = (facts: TrustedIssuer) => KeySource;

export interface KeySourcesOptions extends KeyLocationTools {
  readonly clock: Pick<Clock, "monotonicMillis">;
  readonly log: Log;
}

export function createKeySources({ clock, log, ...tools }: KeySourcesOptions): KeySources {
  const sources = new Map<string, { readonly location: IssuerKeys; readonly source: KeySource }>();
  return (facts) => {
    const known = sources.get(facts.issuer);
    if (known !== undefined && isSame(known.location, facts.keys)) return known.source;
    const source = createKeySource({
      load: () => loadKeySetText(facts, tools),
      clock,
      onFault: (reason) => log.warn("attest.keys_not_refreshed", { issuer: facts.name, reason }),
    });
    sources.set(facts.issuer, { location: facts.keys, source });
    return source;
  };
}

function isSame(left: IssuerKeys, right: IssuerKeys): boolean {
  if (left.kind === "url") return right.kind === "url" && left.url === right.url;
  if (left.kind === "file") return right.kind === "file" && left.path === right.path;
  return right.kind === "discovery";
}
