/**
 * What a reconcile asks of providers: with the connections that revoke, each question timed. A provider that throws or
 * hangs has given no answer, and none of its text gets further than a checked name.
 */
import type { Lease } from "../../domain/lease.ts";
import type { ProviderName } from "../../domain/names.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { millis } from "../../kernel/time.ts";
import type { Found, ListPage, Provider } from "../../ports/provider.ts";
import { bounded } from "../bounded.ts";
import { revokeTimeoutMillis, type ProviderLookup } from "../provider-facade.ts";

export interface DriftProviders {
  /** The one that kills now; undefined where the policy has none of that name. */
  current(name: ProviderName): Provider | undefined;
  list(provider: Provider, after: string | null): Promise<Result<ListPage, string>>;
  revokeStray(provider: Provider, found: Found): Promise<Verdict>;
  /** Only ids of `leases`. */
  findUndone(provider: Provider, leases: readonly Lease[]): Promise<Result<readonly LeaseId[], string>>;
  /** As `findUndone`. */
  findEnded(provider: Provider, leases: readonly Lease[]): Promise<Result<readonly LeaseId[], string>>;
}

/** Longer than one kill may take: a page of a large system, and a list behind several requests. */
const listTimeoutMillis = millis(30_000);
const pageSize = 200;

export function createDriftProviders({ lookup, clock }: { lookup: ProviderLookup; clock: Clock }): DriftProviders {
  /** Which of the leases the provider names; none where it has nothing to say. */
  async function among(
    leases: readonly Lease[],
    find: Provider["findUndone"],
  ): Promise<Result<readonly LeaseId[], string>> {
    const found = await bounded<Result<readonly LeaseId[], string>>(
      clock,
      listTimeoutMillis,
      noAnswer,
      async (signal) => (find === undefined ? ok([]) : find({ leases, now: clock.now(), signal })),
    );
    const asked = new Set(leases.map(({ id }) => id));
    return found.ok ? ok(found.value.filter((id) => asked.has(id))) : found;
  }

  return {
    current(name) {
      const issuing = lookup.issuing(name);
      return issuing === undefined ? undefined : lookup.revoking(name, issuing.digest);
    },
    async list(provider, after) {
      const page = await bounded<Result<ListPage, string>>(clock, listTimeoutMillis, noAnswer, async (signal) =>
        provider.list === undefined ? noAnswer : provider.list({ after, limit: pageSize, signal }),
      );
      return page.ok ? ok({ ...page.value, found: page.value.found.map(withPlainName) }) : page;
    },
    revokeStray: (provider, found) =>
      bounded<Verdict>(clock, revokeTimeoutMillis, { kind: "retry", reason: "no_answer" }, async (signal) =>
        provider.revokeStray === undefined
          ? { kind: "refused", reason: "cannot_end_strays", fix: "end it at its system by hand" }
          : provider.revokeStray({ found, now: clock.now(), signal }),
      ),
    findUndone: (provider, leases) => among(leases, provider.findUndone?.bind(provider)),
    findEnded: (provider, leases) => among(leases, provider.findEnded?.bind(provider)),
  };
}

const noAnswer = err("no_answer");

/** It goes into log and audit, and somebody else may have chosen it. */
const withPlainName = (found: Found): Found =>
  /^[\w.:@/+=,-]{1,200}$/.test(found.name) ? found : { ...found, name: "(not printable)" };
