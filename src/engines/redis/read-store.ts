/** What a look at a store tells before a start: the sealing keys that its living credentials need, and what it knows of providers. */
import type { Result } from "../../kernel/result.ts";
import type { ProviderNotes } from "../../ports/ledger-views.ts";
import type { OpenFault } from "./connection/open-fault.ts";
import { sealedKeyIds } from "./verbs/lists.ts";
import { listProviderNotes } from "./verbs/provider-notes.ts";
import { visitStore, type Visit } from "./visit-store.ts";

export interface StoreReading {
  readonly sealedKeyIds: readonly string[];
  readonly providerNotes: readonly ProviderNotes[];
}

/** Writes nothing. Null where there is no store yet. */
export const readStore = (visit: Visit): Promise<Result<StoreReading | null, OpenFault>> =>
  visitStore(visit, async (calls) => ({
    sealedKeyIds: await sealedKeyIds(calls),
    providerNotes: await listProviderNotes(calls),
  }));
