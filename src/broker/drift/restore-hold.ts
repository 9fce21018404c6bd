/**
 * After a restore the systems hold credentials that the ledger never heard of. Nothing is minted at a provider that can
 * list until what lives there was compared with the ledger as it is since; any node's comparison counts.
 */
import type { ProviderName } from "../../domain/names.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Provider } from "../../ports/provider.ts";

export interface RestoreHold {
  isHeld(name: ProviderName): boolean;
  /** Reads again what was compared, by whichever node. */
  refresh(): Promise<void>;
}

/** A ledger that was never restored has this one. */
const firstGeneration = 1;

export function createRestoreHold(parts: {
  readonly ledger: Pick<Ledger, "listProviderNotes">;
  readonly generation: number;
  readonly current: (name: ProviderName) => Pick<Provider, "list"> | undefined;
}): RestoreHold {
  const { ledger, generation, current } = parts;
  let compared: ReadonlySet<ProviderName> = new Set();
  return {
    isHeld: (name) => generation > firstGeneration && !compared.has(name) && current(name)?.list !== undefined,
    async refresh() {
      if (generation === firstGeneration) return;
      const notes = await ledger.listProviderNotes();
      compared = new Set(
        notes.flatMap(({ provider, reconciled }) =>
          reconciled !== null && reconciled.generation >= generation ? [provider] : [],
        ),
      );
    },
  };
}
