import { describe, expect, test } from "vitest";
import { afterAttempt, allowed, closedBreaker, sync, type BreakerState } from "../../src/broker/kill/breaker.ts";
import { epochMillis } from "../../src/kernel/time.ts";

const now = epochMillis(1_800_000_000_000);
const later = (millis: number) => epochMillis(now + millis);
const fault = { fault: true, reason: "timeout" };
const success = { fault: false, reason: "" };

/** The state after these attempts, all at one instant. */
const after = (
  attempts: readonly { fault: boolean; reason: string }[],
  start: BreakerState = closedBreaker,
  at = now,
) => attempts.reduce((state, attempt) => afterAttempt(state, attempt, at), start);
const opened = after([fault, fault, fault, fault, fault]);

describe("the breaker of a target", () => {
  test("stays closed through four faults in a row, opens at the fifth, and says why", () => {
    expect(allowed(after([fault, fault, fault, fault]), now)).toBe("many");
    expect(opened.breaker).toEqual({ kind: "open", until: later(2_000), reason: "timeout" });
  });

  test("one success starts the count anew", () => {
    expect(after([fault, fault, fault, fault, success, fault, fault, fault, fault]).breaker.kind).toBe("closed");
  });

  test("lets nothing through during its pause, one attempt after it", () => {
    expect([allowed(opened, later(1_999)), allowed(opened, later(2_000))]).toEqual(["none", "one"]);
  });

  test("closes when the one attempt succeeds", () => {
    expect(allowed(after([success], opened, later(2_000)), later(2_000))).toBe("many");
  });

  test("opens again for twice as long when it fails, up to a minute, for ever", () => {
    let state = opened;
    const pauses: number[] = [];
    for (let trial = 0; trial < 8; trial += 1) {
      const at = state.breaker.kind === "open" ? state.breaker.until : now;
      state = afterAttempt(state, fault, at);
      pauses.push(state.breaker.kind === "open" ? state.breaker.until - at : 0);
    }
    expect(pauses).toEqual([4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
  });

  test("attempts that were under way when it opened do not lengthen the pause", () => {
    expect(after([fault, fault, fault], opened).breaker).toEqual(opened.breaker);
  });

  test("takes over what the ledger says: an operator closed it, an earlier process opened it", () => {
    expect(sync(opened, { kind: "closed" })).toEqual(closedBreaker);
    const found = sync(closedBreaker, { kind: "open", until: later(9), reason: "reset" });
    expect([allowed(found, later(8)), allowed(found, later(9))]).toEqual(["none", "one"]);
  });
});
