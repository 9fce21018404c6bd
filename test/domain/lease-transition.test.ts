import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Lease, LeaseState } from "../../src/domain/lease.ts";
import { isDenied, retryDelayMillis, transition, type LeaseEvent } from "../../src/domain/lease-transition.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import { brand } from "../../src/kernel/brand.ts";
import type { LeaseId, TaskId } from "../../src/kernel/ids.ts";
import { expiryGraceMillis, maxRetryMillis, stuckRetryMillis } from "../../src/kernel/limits.ts";
import { epochMillis, millis } from "../../src/kernel/time.ts";
import { invoiceBot, cluster, ledgerDb, ledgerRead, ledgerTarget } from "../support/builders.ts";

const now = epochMillis(1_800_000_000_000);
const nativeExpiresAt = epochMillis(now + 60_000);

const base: Omit<Lease, "state"> = {
  id: brand<LeaseId>("lea_x"),
  taskId: brand<TaskId>("tsk_x"),
  agent: invoiceBot,
  issuer: cluster,
  template: ledgerRead,
  provider: ledgerDb,
  target: ledgerTarget,
  providerDigest: "d",
  createdAt: now,
  mintAbortAt: now,
  expiresAt: nativeExpiresAt,
  nativeExpiresAt,
  nativeExpiry: "full",
  handle: {},
  sealed: null,
  fingerprint: null,
  provenAlive: true,
};
const dying = {
  cause: "task_ended" as const,
  killOrderedAt: now,
  attempts: 2,
  dueAt: now,
  lastVerdict: null,
  lastReason: null,
};
const states: { readonly [K in LeaseState["kind"]]: Extract<LeaseState, { kind: K }> } = {
  intended: { kind: "intended" },
  active: { kind: "active", activatedAt: now },
  revoking: { kind: "revoking", ...dying, outcomeUnknown: false, usableUntil: null },
  stuck: { kind: "stuck", ...dying, outcomeUnknown: false, fix: "grant it" },
  revoked: { kind: "revoked", deadAt: now, verdict: "dead-verified", cause: "expiry", killOrderedAt: now },
  expired: { kind: "expired", deadAt: now, cause: "expiry", killOrderedAt: now },
  mint_failed: { kind: "mint_failed", deadAt: now, reason: "no" },
};
const verdict = (value: Verdict): LeaseEvent => ({ kind: "verdict", verdict: value, jitter: 0.5 });
const events: { readonly [name: string]: LeaseEvent } = {
  minted: { kind: "minted" },
  mint_rejected: { kind: "mint_rejected", reason: "no" },
  due: { kind: "due", cause: "requested", orderedAt: now, dueAt: now },
  verdict: verdict({ kind: "dead-unverified" }),
  native_expiry: { kind: "native_expiry" },
  reopened: { kind: "reopened" },
};

describe("transitions", () => {
  const allowed: Readonly<Record<string, readonly string[]>> = {
    intended: ["minted>active", "mint_rejected>mint_failed", "due>revoking"],
    active: ["due>revoking"],
    revoking: ["due>revoking", "verdict>revoked", "native_expiry>expired"],
    stuck: ["due>stuck", "verdict>revoked", "native_expiry>expired"],
    revoked: ["reopened>revoking"],
    expired: [],
    mint_failed: [],
  };
  const pairs = Object.keys(allowed).flatMap((state) => Object.keys(events).map((event) => [state, event] as const));
  test.each(pairs)("%s on %s goes only where the table says", (from, event) => {
    const expected = allowed[from]?.find((entry) => entry.startsWith(`${event}>`))?.split(">")[1];
    const state = Object.values(states).find(({ kind }) => kind === from) ?? states.intended;
    const lateEnough = epochMillis(nativeExpiresAt + expiryGraceMillis);
    const result = transition({ ...base, state }, events[event] ?? { kind: "minted" }, lateEnough);
    expect(result.ok ? result.value.kind : result.fault).toEqual(
      expected ?? { reason: "no_such_transition", from, event },
    );
  });
});

describe("a death that is taken back", () => {
  test("is due at once, as if nothing had been tried, and ahead of routine expiry", () => {
    const result = transition({ ...base, state: states.revoked }, events["reopened"] ?? { kind: "minted" }, now);
    const anew = { cause: "undone", killOrderedAt: now, dueAt: now, attempts: 0, lastVerdict: null, lastReason: null };
    expect(result).toEqual({
      ok: true,
      value: { kind: "revoking", ...anew, outcomeUnknown: false, usableUntil: null },
    });
  });

  test.each([
    ["dying", states.revoking, true],
    ["stuck", states.stuck, true],
    ["revoked, its native expiry ahead", states.revoked, true],
    ["alive", states.active, false],
    ["intended", states.intended, false],
    ["expired", states.expired, false],
    ["never minted", states.mint_failed, false],
  ])("what is %s has to be denied: %s", (_, state, expected) => {
    expect(isDenied({ ...base, state }, now)).toBe(expected);
  });

  test("what was revoked is denied until its native expiry and the grace have passed", () => {
    const lease = { ...base, state: states.revoked };
    expect(isDenied(lease, epochMillis(nativeExpiresAt + expiryGraceMillis - 1))).toBe(true);
    expect(isDenied(lease, epochMillis(nativeExpiresAt + expiryGraceMillis))).toBe(false);
  });
});

describe("what becomes known of a mint while its lease is dying", () => {
  test.each([
    ["revoking", "minted", "revoking"],
    ["revoking", "mint_rejected", "mint_failed"],
    ["stuck", "minted", "stuck"],
    ["stuck", "mint_rejected", "mint_failed"],
  ] as const)("%s on %s becomes %s", (from, event, to) => {
    const state = { ...states[from], outcomeUnknown: true };
    const result = transition({ ...base, state }, events[event] ?? { kind: "minted" }, now);
    expect(result.ok && result.value).toMatchObject({ kind: to });
    expect(result.ok && "outcomeUnknown" in result.value && result.value.outcomeUnknown).toBe(false);
  });
});

describe("verdicts", () => {
  const rows: readonly [string, Verdict, object][] = [
    ["dead-verified ends it", { kind: "dead-verified" }, { kind: "revoked", verdict: "dead-verified", deadAt: now }],
    ["already-gone ends it", { kind: "already-gone" }, { kind: "revoked", verdict: "already-gone" }],
    [
      "pending settles without counting an attempt",
      { kind: "pending", until: epochMillis(now + 9_000) },
      { kind: "revoking", dueAt: now + 9_000, attempts: 2 },
    ],
    [
      "pending until an instant that has passed is asked again soon, not in a loop",
      { kind: "pending", until: epochMillis(now - 9_000) },
      { kind: "revoking", dueAt: now + 1_000, attempts: 2 },
    ],
    [
      "expires-only waits for expiry and grace, and says until when it is usable",
      { kind: "expires-only", at: nativeExpiresAt },
      { kind: "revoking", dueAt: nativeExpiresAt + expiryGraceMillis, usableUntil: nativeExpiresAt },
    ],
    [
      "expires-only past its grace is asked again at the slowest pace, not in a loop",
      { kind: "expires-only", at: epochMillis(now - expiryGraceMillis) },
      { kind: "revoking", dueAt: now + 300_000, usableUntil: now - expiryGraceMillis },
    ],
    [
      "retry backs off and counts",
      { kind: "retry", reason: "timeout" },
      { kind: "revoking", attempts: 3, dueAt: now + 2000, lastReason: "timeout" },
    ],
    [
      "retry honours a longer wait that was asked for",
      { kind: "retry", reason: "429", after: millis(9000) },
      { dueAt: now + 9000 },
    ],
    [
      "refused is stuck, with the fix, and is still retried",
      { kind: "refused", reason: "denied", fix: "grant it" },
      { kind: "stuck", fix: "grant it", dueAt: now + stuckRetryMillis },
    ],
  ];
  test.each(rows)("%s", (_name, value, expected) => {
    expect(transition({ ...base, state: states.revoking }, verdict(value), now)).toMatchObject({
      ok: true,
      value: expected,
    });
  });

  test("verified is not said without a probe that was positive after mint", () => {
    const lease: Lease = { ...base, provenAlive: false, state: states.revoking };
    expect(transition(lease, verdict({ kind: "dead-verified" }), now)).toMatchObject({
      value: { verdict: "dead-unverified" },
    });
  });

  test.each(["new-logins-only", "none"] as const)(
    "expired is never written where native expiry is %s",
    (nativeExpiry) => {
      const lease: Lease = { ...base, nativeExpiry, state: states.revoking };
      const lateEnough = epochMillis(nativeExpiresAt + expiryGraceMillis);
      expect(transition(lease, { kind: "native_expiry" }, lateEnough).ok).toBe(false);
      expect(transition({ ...lease, nativeExpiry: "full" }, { kind: "native_expiry" }, lateEnough).ok).toBe(true);
    },
  );

  test("expired is not written a millisecond before the grace has passed", () => {
    const early = epochMillis(nativeExpiresAt + expiryGraceMillis - 1);
    expect(transition({ ...base, state: states.revoking }, { kind: "native_expiry" }, early).ok).toBe(false);
  });
});

describe("becoming due", () => {
  test("a kill overtakes a routine expiry, and starts the measured time", () => {
    const routine: LeaseState = { ...states.revoking, cause: "expiry", dueAt: epochMillis(now + 5000) };
    const order: LeaseEvent = {
      kind: "due",
      cause: "task_ended",
      orderedAt: epochMillis(now + 1),
      dueAt: epochMillis(now + 1),
    };
    expect(transition({ ...base, state: routine }, order, now)).toMatchObject({
      value: { cause: "task_ended", dueAt: now + 1, killOrderedAt: now + 1 },
    });
  });

  test("a second kill changes nothing once attempts are under way: neither its start nor its backoff", () => {
    const waiting: LeaseState = { ...states.revoking, lastVerdict: "retry", dueAt: epochMillis(now + 5000) };
    const order: LeaseEvent = {
      kind: "due",
      cause: "requested",
      orderedAt: epochMillis(now + 1),
      dueAt: epochMillis(now + 1),
    };
    expect(transition({ ...base, state: waiting }, order, now)).toEqual({ ok: true, value: waiting });
  });

  test.each(["revoking", "stuck"] as const)(
    "a person's word ends the backoff of a %s lease, never postpones",
    (kind) => {
      const at = (dueAt: number): LeaseState => ({ ...states[kind], lastVerdict: "retry", dueAt: epochMillis(dueAt) });
      const order: LeaseEvent = { kind: "due", cause: "requested", orderedAt: now, dueAt: now, endsBackoff: true };
      const due = (state: LeaseState) => transition({ ...base, state }, order, now);
      expect(due(at(now + 5000))).toEqual({ ok: true, value: at(now) });
      expect(due(at(now - 5000))).toEqual({ ok: true, value: at(now - 5000) });
    },
  );

  test("a second kill brings a first attempt forward that a grace postponed", () => {
    const graced: LeaseState = { ...states.revoking, cause: "replaced", dueAt: epochMillis(now + 30_000) };
    const order: LeaseEvent = {
      kind: "due",
      cause: "requested",
      orderedAt: epochMillis(now + 1),
      dueAt: epochMillis(now + 1),
    };
    expect(transition({ ...base, state: graced }, order, now)).toMatchObject({
      value: { dueAt: now + 1, killOrderedAt: now },
    });
  });

  test("an intent that becomes due has an unknown outcome, an active lease has not", () => {
    const order = events["due"] ?? { kind: "minted" };
    expect(transition({ ...base, state: states.intended }, order, now)).toMatchObject({
      value: { outcomeUnknown: true },
    });
    expect(transition({ ...base, state: states.active }, order, now)).toMatchObject({
      value: { outcomeUnknown: false },
    });
  });
});

test("backoff never ends, never exceeds its cap and is never zero", () => {
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempts, jitter) => {
        const delay = retryDelayMillis(attempts, jitter);
        expect(delay).toBeGreaterThanOrEqual(1);
        expect(delay).toBeLessThanOrEqual(maxRetryMillis);
      },
    ),
  );
});
