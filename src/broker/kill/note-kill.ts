/**
 * Remembers, for all nodes, that a kill of a provider was seen to work: a credential that a probe had found alive was found
 * dead afterwards. Only a hint for people, so that a note which is lost is made by the next kill.
 */
import type { Lease } from "../../domain/lease.ts";
import { systemOf } from "../../domain/provider-digest.ts";
import { boundedMap } from "../../kernel/bounded-map.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Ledger } from "../../ports/ledger.ts";

/** A busy provider is not noted with each kill. */
const restMillis = 3_600_000;
const maxProviders = 1_000;

export type NoteKill = (lease: Lease) => void;

export function createKillNotes({ ledger, clock }: { ledger: Pick<Ledger, "noteProvider">; clock: Clock }): NoteKill {
  const noted = boundedMap<string, number>(maxProviders);
  return ({ provider, providerDigest: digest, state }) => {
    if (state.kind !== "revoked" || state.verdict !== "dead-verified") return;
    const key = `${provider} ${systemOf(digest)}`;
    const now = clock.monotonicMillis();
    const before = noted.get(key);
    if (before !== undefined && now - before < restMillis) return;
    noted.set(key, now);
    void ledger.noteProvider({ provider, seen: { kind: "kill", digest } });
  };
}
