/** What a provider is given of the ledger: who it is among brokers, what it must keep denied, and locks between nodes. */
import type { Lease } from "../domain/lease.ts";
import { targetName, type ProviderName } from "../domain/names.ts";
import { base32FromBytes } from "../kernel/base32.ts";
import type { Entropy } from "../kernel/entropy.ts";
import type { LeaseId } from "../kernel/ids.ts";
import { maxPageSize } from "../kernel/limits.ts";
import { err, ok } from "../kernel/result.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { ProviderLedger } from "../ports/provider.ts";

interface Parts {
  readonly ledger: Pick<Ledger, "listDenied" | "takeLock" | "releaseLock">;
  readonly entropy: Entropy;
  readonly mark: string;
  readonly name: ProviderName;
}

export function createProviderLedger({ ledger, entropy, mark, name: provider }: Parts): ProviderLedger {
  return {
    mark,
    async *denied(system) {
      const target = targetName(provider, system);
      let after: LeaseId | null = null;
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
        const page: readonly Lease[] = await ledger.listDenied({ target, after, limit: maxPageSize });
        yield* page;
        after = page.at(-1)?.id ?? null;
        if (page.length < maxPageSize) return;
      }
    },
    async exclusively(name, hold, work) {
      const lock = { name: `provider:${provider}:${name}`, holder: base32FromBytes(entropy.bytes(12)) };
      const taken = await ledger.takeLock({ ...lock, hold });
      if (taken.kind !== "ok") return err(taken.kind === "conflict" ? "held" : "unknown");
      try {
        return ok(await work(taken.value));
      } finally {
        await ledger.releaseLock(lock);
      }
    },
  };
}
