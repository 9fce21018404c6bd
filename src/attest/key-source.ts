/**
 * The keys of one issuer over time. Owns: the last good set, its age, and when the next fetch may start. However many
 * requests arrive, at most one fetch runs, and at most one starts per cool-down, which is claimed before the fetch
 * and counted again from its end, whether it failed or not. A failed, empty or unreadable answer never replaces good
 * keys; those stay usable for a bounded time. Ages use the monotonic clock: a stepped wall clock revives no old key.
 */
import type { Clock } from "../kernel/clock.ts";
import {
  keyFetchCooldownMillis,
  keyRefreshAheadMillis,
  maxKeyAgeMillis,
  maxStaleKeyAgeMillis,
} from "../kernel/limits.ts";
import type { Result } from "../kernel/result.ts";
import type { LoadFault } from "./key-location.ts";
import { parseKeySet, type KeySet } from "./key-set.ts";

export interface KeySource {
  /** The keys to verify with now; undefined where none are known or the last good ones are too old. */
  current(): Promise<KeySet | undefined>;
  /** The keys after a token named one that is not among the current: fetched anew if the cool-down has passed. */
  afterMiss(): Promise<KeySet | undefined>;
}

export type KeyFetchFault = LoadFault | "no_usable_keys";

export interface KeySourceOptions {
  /** Must not reject. */
  readonly load: () => Promise<Result<string, LoadFault>>;
  readonly clock: Pick<Clock, "monotonicMillis">;
  readonly onFault: (fault: KeyFetchFault) => void;
}

export function createKeySource({ load, clock, onFault }: KeySourceOptions): KeySource {
  let held: { readonly keySet: KeySet; readonly text: string; readonly fetchedAt: number } | undefined;
  let mayFetchAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | undefined;

  const age = (): number => clock.monotonicMillis() - (held?.fetchedAt ?? Number.NEGATIVE_INFINITY);
  const usable = (): KeySet | undefined => (age() < maxStaleKeyAgeMillis ? held?.keySet : undefined);

  const fetchOnce = async (startedAt: number): Promise<void> => {
    const answer = await load();
    mayFetchAt = clock.monotonicMillis() + keyFetchCooldownMillis;
    if (!answer.ok) return onFault(answer.fault);
    const text = answer.value;
    const keySet = text === held?.text ? held.keySet : parseKeySet(text);
    if (keySet === undefined) return onFault("no_usable_keys");
    held = { keySet, text, fetchedAt: startedAt };
  };

  const refresh = async (): Promise<void> => {
    if (fetching !== undefined) return fetching;
    const startedAt = clock.monotonicMillis();
    if (startedAt < mayFetchAt) return;
    mayFetchAt = startedAt + keyFetchCooldownMillis;
    fetching = fetchOnce(startedAt).finally(() => (fetching = undefined));
    return fetching;
  };

  return {
    current: async () => {
      const ageMillis = age();
      if (ageMillis >= maxKeyAgeMillis) await refresh();
      else if (ageMillis >= keyRefreshAheadMillis) void refresh();
      return usable();
    },
    afterMiss: async () => {
      await refresh();
      return usable();
    },
  };
}
