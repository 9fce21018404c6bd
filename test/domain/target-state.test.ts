/** What several shards say of one target, added up: where they differ, what holds kills up is shown. */
import { expect, it } from "vitest";
import { mergeTargets, type Breaker, type TargetState } from "../../src/domain/target-state.ts";
import { epochMillis } from "../../src/kernel/time.ts";
import { ledgerDb, ledgerTarget } from "../support/builders.ts";

const closed: Breaker = { kind: "closed" };
const openUntil = (until: number): Breaker => ({ kind: "open", until: epochMillis(until), reason: `until ${until}` });
const state = (change: Partial<TargetState> = {}): TargetState => ({
  target: ledgerTarget,
  provider: ledgerDb,
  breaker: closed,
  paused: false,
  due: 0,
  oldestDueAt: null,
  claimed: 0,
  stuck: 0,
  ...change,
});

it.each([
  ["one alone as it is", [state({ due: 3 })], { due: 3 }],
  [
    "counts as their sum",
    [state({ due: 1, claimed: 2, stuck: 3 }), state({ due: 4, claimed: 5, stuck: 6 })],
    { due: 5, claimed: 7, stuck: 9 },
  ],
  ["paused in one", [state(), state({ paused: true })], { paused: true }],
  ["open in one", [state({ breaker: openUntil(5) }), state()], { breaker: openUntil(5) }],
  [
    "the breaker that is open longer",
    [5, 9, 7].map((at) => state({ breaker: openUntil(at) })),
    { breaker: openUntil(9) },
  ],
  [
    "the oldest of what is due",
    [state(), state({ oldestDueAt: epochMillis(7) }), state({ oldestDueAt: epochMillis(3) })],
    { oldestDueAt: 3 },
  ],
] as const)("%s", (_name, states, expected) => {
  expect(mergeTargets(states)).toEqual({ ...state(), ...expected });
});
