/**
 * Where a mint is a computation, its completion is asked for while its intent still waits for reservations. One script
 * then does both, which costs one answer of the server instead of two. A completion that joined no intent, or whose
 * intent did not record anything, runs by itself in its turn.
 */
import type { LeaseId } from "../../kernel/ids.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { CompleteMint, MintCompletion, NotIntended } from "../../ports/ledger-commands.ts";

export interface JoinedMint {
  readonly command: CompleteMint;
  /** Set by the intent that did it. */
  answer: Answer<MintCompletion, NotIntended> | null;
}

export interface JoinedMints {
  /** Answers what joined the intent while `before` was under way, too. */
  during<T>(leaseId: LeaseId, before: Promise<T>): Promise<{ readonly value: T; readonly mint: JoinedMint | null }>;
  /** Null where no intent of that lease waits. */
  join(command: CompleteMint): JoinedMint | null;
}

export function createJoinedMints(): JoinedMints {
  const waiting = new Map<LeaseId, JoinedMint | null>();
  return {
    async during(leaseId, before) {
      waiting.set(leaseId, null);
      try {
        const value = await before;
        return { value, mint: waiting.get(leaseId) ?? null };
      } finally {
        waiting.delete(leaseId);
      }
    },
    join(command) {
      const { leaseId, fingerprint } = command;
      // A fingerprint's pointer is written before, in another shard.
      if (fingerprint !== null || waiting.get(leaseId) !== null) return null;
      const mint: JoinedMint = { command, answer: null };
      waiting.set(leaseId, mint);
      return mint;
    },
  };
}
