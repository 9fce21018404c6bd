/** Active leases of a provider that were not among what its system listed. */
import type { Lease } from "../../domain/lease.ts";
import type { ProviderName, TargetName } from "../../domain/names.ts";
import { isSameSystem } from "../../domain/provider-digest.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Ledger } from "../../ports/ledger.ts";
import { driftGraceMillis } from "./judge.ts";

interface Search {
  readonly name: ProviderName;
  /** Of the instance that listed: another system's credentials are not among what it sees. */
  readonly digest: string;
  /** When listing began. */
  readonly before: EpochMillis;
  readonly seen: ReadonlySet<LeaseId>;
}

/** Up to so many are believed whatever share they are. */
const believedMissing = 10;

/**
 * A list that lacks most of what is active is more likely wrong (a right that was taken away hides rows without an
 * error) than a system that lost it all; and if it did, nothing is left there to kill.
 */
export async function findMissing(
  { ledger }: { readonly ledger: Pick<Ledger, "listTargets" | "listActive"> },
  search: Search,
): Promise<Result<readonly Lease[], string>> {
  const missing: Lease[] = [];
  let judged = 0;
  for (const { target, provider } of await ledger.listTargets()) {
    if (provider !== search.name) continue;
    // oxlint-disable-next-line no-await-in-loop -- a few targets, one after the other
    for await (const lease of activeOf(ledger, target)) {
      if (!isComparable(lease, search)) continue;
      judged += 1;
      if (!search.seen.has(lease.id)) missing.push(lease);
    }
  }
  return missing.length > believedMissing && missing.length > judged / 2 ? err("most_are_missing") : ok(missing);
}

const isComparable = ({ state, providerDigest }: Lease, { before, digest }: Search): boolean =>
  state.kind === "active" && before - state.activatedAt >= driftGraceMillis && isSameSystem(providerDigest, digest);

export async function* activeOf(ledger: Pick<Ledger, "listActive">, target: TargetName): AsyncGenerator<Lease> {
  let after: string | null = null;
  do {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
    const page: Awaited<ReturnType<Ledger["listActive"]>> = await ledger.listActive({
      target,
      after,
      limit: maxPageSize,
    });
    yield* page.leases;
    after = page.next;
  } while (after !== null);
}
