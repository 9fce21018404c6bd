/** Requests to a provider as the core makes them, for tests of one verb. */
import type { Lease } from "../../src/domain/lease.ts";
import { epochMillis } from "../../src/kernel/time.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import type { MintOutcome, MintRequest, Provider, RevokeRequest } from "../../src/ports/provider.ts";
import { createBuilders } from "./builders.ts";
import { realClock } from "./real-clock.ts";

const never = new AbortController().signal;
const builders = createBuilders({ clock: realClock, seed: 3 });
export const startOfTests = epochMillis(Date.UTC(2026, 10, 22, 10));

export function mintRequest<Scope>(scope: Scope, wish: Partial<MintRequest<Scope>> = {}): MintRequest<Scope> {
  return {
    leaseId: builders.ids.lease(),
    taskId: builders.ids.task(),
    scope,
    handle: {},
    agent: "invoice-bot",
    subject: "system:serviceaccount:finance:invoice-bot",
    expiresAt: epochMillis(startOfTests + 120_000),
    now: startOfTests,
    signal: never,
    ...wish,
  };
}

export const mint = <Scope>(
  provider: Provider,
  scope: Scope,
  wish: Partial<MintRequest<Scope>> = {},
): Promise<MintOutcome> => provider.mint(mintRequest(scope, wish));

/** A lease on its way to death, proven alive after its mint unless told otherwise. */
export function dyingLease(wish: Partial<Lease> = {}): Lease {
  return {
    ...builders.recordIntent(builders.ids.task()).lease,
    createdAt: startOfTests,
    mintAbortAt: epochMillis(startOfTests + 15_000),
    expiresAt: epochMillis(startOfTests + 120_000),
    nativeExpiresAt: epochMillis(startOfTests + 300_000),
    nativeExpiry: "full",
    handle: {},
    sealed: null,
    fingerprint: null,
    provenAlive: true,
    state: {
      kind: "revoking",
      cause: "task_ended",
      killOrderedAt: startOfTests,
      attempts: 0,
      dueAt: startOfTests,
      lastVerdict: null,
      lastReason: null,
      outcomeUnknown: false,
      usableUntil: null,
    },
    ...wish,
  };
}

export const revokeRequest = (wish: Partial<RevokeRequest> = {}): RevokeRequest => ({
  lease: dyingLease(),
  secret: new Redacted("the-token-to-kill", "access token"),
  now: startOfTests,
  signal: never,
  ...wish,
});
