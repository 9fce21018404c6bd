/**
 * Whether the kill of each provider was ever seen to work, for all who mark one where it never was. The note in the ledger
 * is the only source. Asking never waits for it: a reading is begun behind an answer, at most every few seconds, and only
 * while a provider is unseen.
 */
import type { ProviderName } from "../../domain/names.ts";
import { isSameSystem } from "../../domain/provider-digest.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { ProviderNotes } from "../../ports/ledger-views.ts";
import type { Provider } from "../../ports/provider.ts";

/** A provider without a probe can never be seen to kill: it is believed. */
export type KillRecord =
  | { readonly kind: "seen"; readonly at: EpochMillis }
  | { readonly kind: "not_seen" }
  | { readonly kind: "cannot_be_seen" };

type Judged = Pick<Provider, "capabilities" | "digest">;

/** What another system of that name was seen to do says nothing of this one. */
export function killRecordOf(provider: Judged, note: ProviderNotes | undefined): KillRecord {
  if (provider.capabilities.probe === "none") return { kind: "cannot_be_seen" };
  const seen = note?.kill ?? null;
  return seen !== null && isSameSystem(seen.digest, provider.digest)
    ? { kind: "seen", at: seen.at }
    : { kind: "not_seen" };
}

export interface KillRecords {
  /** By the last reading; undefined where the policy has no such provider. */
  readonly of: (name: ProviderName) => KillRecord | undefined;
  /** It could be seen to work, and never was. */
  readonly isUnseen: (name: ProviderName) => boolean;
  readonly refresh: () => Promise<void>;
}

const restMillis = 5_000;

export function createKillRecords(parts: {
  readonly ledger: Pick<Ledger, "listProviderNotes">;
  readonly clock: Pick<Clock, "monotonicMillis">;
  readonly current: (name: ProviderName) => Judged | undefined;
}): KillRecords {
  const { ledger, clock, current } = parts;
  let notes: ReadonlyMap<ProviderName, ProviderNotes> = new Map();
  let begunAt = Number.NEGATIVE_INFINITY;

  async function refresh(): Promise<void> {
    begunAt = clock.monotonicMillis();
    notes = new Map((await ledger.listProviderNotes()).map((note) => [note.provider, note]));
  }
  function of(name: ProviderName): KillRecord | undefined {
    const provider = current(name);
    return provider === undefined ? undefined : killRecordOf(provider, notes.get(name));
  }
  return {
    of,
    isUnseen(name) {
      const isUnseen = of(name)?.kind === "not_seen";
      // A reading that fails leaves what is known; the next one to ask tries again.
      if (isUnseen && clock.monotonicMillis() - begunAt >= restMillis) refresh().catch(() => undefined);
      return isUnseen;
    },
    refresh,
  };
}
