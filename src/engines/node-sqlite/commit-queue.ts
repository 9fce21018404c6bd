/**
 * Group commit: verbs gather until the event loop turns, then run in one synchronous transaction, kills first. No
 * promise resolves before COMMIT returned. Whether a failed commit may be tried again, and what the verbs are told
 * then, is the store's business; this file keeps their order.
 */
import type { LeaseId } from "../../kernel/ids.ts";
import { maxBatchVerbs } from "../../kernel/limits.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { Verb } from "../sql/core.ts";
import type { Submission } from "../sql/ledger.ts";

export interface QueuedVerb extends Verb {
  readonly isKill: boolean;
  readonly leaseId: LeaseId | null;
  /** The commit is durable: tell the answer. */
  settle(): void;
  /** The commit failed: it may or may not have been applied. */
  unknown(reason: string): void;
}

export interface CommitQueue {
  submit<T, C>(submission: Submission<T, C>): Promise<Answer<T, C>>;
  /** Commits all that waits, now. */
  drain(): void;
}

/** `commit` settles every verb of the batch, one way or the other, and never throws. */
export function createCommitQueue(commit: (batch: readonly QueuedVerb[]) => void): CommitQueue {
  let kills: QueuedVerb[] = [];
  let others: QueuedVerb[] = [];
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      commitOne();
      if (kills.length + others.length > 0) schedule();
    });
  }

  function commitOne(): void {
    const batch = take();
    if (batch.length > 0) commit(batch);
  }

  function take(): QueuedVerb[] {
    const first = kills.slice(0, maxBatchVerbs);
    const room = maxBatchVerbs - first.length;
    kills = kills.slice(first.length);
    const next = others.slice(0, room);
    const rest = others.slice(next.length);
    const cut = rest.length === 0 ? { joined: [], rest } : joinPairs(next, rest);
    others = cut.rest;
    return [...first, ...next, ...cut.joined];
  }

  return {
    submit: (submission) =>
      new Promise((resolve, reject) => {
        const queue = submission.isKill ? kills : others;
        queue.push(queuedVerb(submission, resolve, reject));
        schedule();
      }),
    drain() {
      while (kills.length + others.length > 0) commitOne();
    },
  };
}

/** An intent and its completion that were submitted together are committed together, also where the batch is cut. */
function joinPairs(batch: readonly QueuedVerb[], rest: readonly QueuedVerb[]) {
  const begun = new Set(batch.map((verb) => verb.leaseId).filter((id) => id !== null));
  const belongs = (verb: QueuedVerb): boolean => verb.leaseId !== null && begun.has(verb.leaseId);
  return { joined: rest.filter(belongs), rest: rest.filter((verb) => !belongs(verb)) };
}

function queuedVerb<T, C>(
  submission: Submission<T, C>,
  resolve: (answer: Answer<T, C>) => void,
  reject: (error: unknown) => void,
): QueuedVerb {
  const { isKill, leaseId, run } = submission;
  let tell = (): void => reject(new Error("a verb was settled without having run"));
  return {
    isKill,
    leaseId,
    run(tx) {
      const answer = run(tx);
      tell = () => resolve(answer);
    },
    threw(error) {
      tell = () => reject(error);
    },
    settle: () => tell(),
    unknown: (reason) => resolve({ kind: "unknown", reason }),
  };
}
