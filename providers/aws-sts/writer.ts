/**
 * The one writer of each role's denials: kills that arrive while a write is under way share the next one, and nothing is
 * called denied that was not read back. A write that nobody waits for any more is given up.
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import type { Cancel } from "../../src/kernel/clock.ts";
import { expiryGraceMillis } from "../../src/kernel/limits.ts";
import { millis, type EpochMillis, type Millis } from "../../src/kernel/time.ts";
import type { ProviderTools } from "../../src/ports/provider.ts";
import type { Denial } from "./deny-plan.ts";
import type { Rewrite, Rewritten } from "./rewrite.ts";
import type { Role } from "./role.ts";

export interface DenyWriter {
  /** Answers when this session was read back as denied, or why not. At `signal` it is no longer waited for. */
  deny(role: Role, denial: Denial, signal: AbortSignal): Promise<Denied>;
  close(): void;
}

export type Denied =
  /** It stood there at `since`, and at every look since then. */
  | { readonly kind: "denied"; readonly since: EpochMillis }
  | { readonly kind: "role_gone" }
  | { readonly kind: "not_denied"; readonly verdict: Verdict };

interface Tools extends Pick<ProviderTools, "now" | "after"> {
  readonly rewrite: Rewrite;
  /** Between the starts of two writes of one role: IAM takes few a second for a whole account. */
  readonly interval: Millis;
}

interface Waiter {
  readonly denial: Denial;
  readonly answer: (denied: Denied) => void;
}

export function createDenyWriter(tools: Tools): DenyWriter {
  const queues = new Map<string, ReturnType<typeof createQueue>>();
  return {
    deny(role, denial, signal) {
      const queue = queues.get(role.arn) ?? createQueue(role, tools);
      queues.set(role.arn, queue);
      return queue.add(denial, signal);
    },
    close() {
      for (const queue of queues.values()) queue.close();
    },
  };
}

/** Of one role: runs writes one after the other, as long as somebody waits. */
function createQueue(role: Role, { rewrite, now, after, interval }: Tools) {
  const waiters = new Set<Waiter>();
  let writing: AbortController | undefined;
  let startedAt: EpochMillis | undefined;
  let cancelClean: Cancel = () => {};
  let isClosed = false;

  function run(): void {
    if (writing !== undefined) return;
    writing = new AbortController();
    const { signal } = writing;
    const rest = startedAt === undefined ? 0 : Math.min(interval, Math.max(0, startedAt + interval - now()));
    if (rest === 0) void round(signal);
    else after(millis(rest), () => void round(signal));
  }

  async function round(signal: AbortSignal): Promise<void> {
    startedAt = now();
    const batch = [...waiters];
    const denials = batch.map(({ denial }) => denial);
    const written = await rewrite(role, denials, signal);
    settle(waiters, batch, written);
    if (written.kind === "stands") cleanLater(written.lastEndsAt);
    writing = undefined;
    if (waiters.size > 0) run();
  }

  /** Entries that nobody needs any more would keep room from others. */
  function cleanLater(lastEndsAt: EpochMillis | null): void {
    cancelClean();
    if (lastEndsAt === null || isClosed) return;
    const delay = Math.max(0, lastEndsAt + expiryGraceMillis + cleanMarginMillis - now());
    cancelClean = after(millis(delay), run);
  }

  return {
    add(denial: Denial, signal: AbortSignal): Promise<Denied> {
      const { promise, resolve } = Promise.withResolvers<Denied>();
      const waiter: Waiter = { denial, answer: resolve };
      signal.addEventListener("abort", () => {
        if (!waiters.delete(waiter)) return;
        resolve({ kind: "not_denied", verdict: { kind: "retry", reason: "timeout" } });
        if (waiters.size === 0) writing?.abort();
      });
      waiters.add(waiter);
      run();
      return promise;
    },
    close(): void {
      isClosed = true;
      cancelClean();
    },
  };
}

/** Whoever came during the write may find its session in it too; the others wait for the next. */
function settle(waiters: Set<Waiter>, batch: readonly Waiter[], written: Rewritten): void {
  for (const waiter of waiters) {
    const since = written.kind === "stands" ? written.since(waiter.denial) : undefined;
    if (since !== undefined) waiter.answer({ kind: "denied", since });
    else if (batch.includes(waiter)) waiter.answer(failureOf(written));
    else continue;
    waiters.delete(waiter);
  }
}

const cleanMarginMillis = 5_000;

function failureOf(written: Rewritten): Denied {
  if (written.kind === "role_gone") return { kind: "role_gone" };
  return { kind: "not_denied", verdict: written.kind === "failed" ? written.verdict : written.uncovered };
}
