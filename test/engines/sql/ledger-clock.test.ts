/** The ledger's clock where the runtime has no clock but the wall, as on Workers. */
import { expect, it } from "vitest";
import { createLedgerClock } from "../../../src/engines/sql/ledger-clock.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import { epochMillis } from "../../../src/kernel/time.ts";

const hourMillis = 3_600_000;

it("goes on after the wall, and all that the runtime knows of time, stepped back by an hour", () => {
  let wall = Date.UTC(2026, 10, 2, 9);
  const only: Clock = { now: () => epochMillis(wall), monotonicMillis: () => wall, after: () => () => {} };
  const ledger = createLedgerClock(only, 0);
  const before = ledger.now();
  wall -= hourMillis;
  expect(ledger.now()).toBe(before);
  wall += 25 * 60_000;
  expect(ledger.now()).toBe(before + 25 * 60_000);
});
