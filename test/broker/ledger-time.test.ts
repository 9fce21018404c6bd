/** The kill path's view of the ledger's clock over steps of the wall: it follows forward, and never goes back. */
import { expect, it } from "vitest";
import { createLedgerTime } from "../../src/broker/kill/ledger-time.ts";
import { addMillis } from "../../src/kernel/time.ts";
import { createManualClock, defaultStart } from "../support/manual-clock.ts";

const hour = 3_600_000;

it.each<[string, ledgerAhead: number | null, wallStep: number, expected: number]>([
  ["before the ledger was seen", null, 0, 1000],
  ["with the ledger at the wall", 0, 0, 1000],
  ["with the ledger ahead", hour, 0, hour + 1000],
  ["after the wall went back", 0, -2 * hour, 1000],
  ["after it went back before the ledger was seen", null, -2 * hour, 1000],
  ["after the wall went forward", 0, 2 * hour, 2 * hour + 1000],
  ["after it went forward, but not to the ledger", 3 * hour, 2 * hour, 3 * hour + 1000],
])("%s", (_, ledgerAhead, wallStep, expected) => {
  const clock = createManualClock();
  const time = createLedgerTime(clock);
  if (ledgerAhead !== null) time.saw(addMillis(defaultStart, ledgerAhead));
  clock.jumpWall(wallStep);
  clock.advance(1000);
  expect(time.now()).toBe(defaultStart + expected);
});
