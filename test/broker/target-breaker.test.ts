/** Which word counts when the breaker of a target and a reading of the ledger cross. */
import { beforeEach, expect, it } from "vitest";
import { createTargetBreaker, type TargetBreaker } from "../../src/broker/kill/target-breaker.ts";
import { openMemoryLedger } from "../../src/engines/memory/ledger.ts";
import { emptyState } from "../../src/engines/memory/state.ts";
import { addMillis } from "../../src/kernel/time.ts";
import { ledgerTarget } from "../support/builders.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { silentLog } from "../support/silent.ts";

const clock = createManualClock();
const timeout = { outcome: { kind: "retry", reason: "timeout" }, targetFault: true } as const;
const closed = { kind: "closed" } as const;
const open = { kind: "open", until: addMillis(clock.now(), 10_000), reason: "timeout" } as const;

let ticks: number;
let breaker: TargetBreaker;
/** Lets a write of the breaker arrive at the ledger. */
let store: () => void;
beforeEach(() => {
  ticks = 0;
  const ledger = openMemoryLedger({ clock, state: emptyState() });
  const { promise: isLetGo, resolve } = Promise.withResolvers<void>();
  store = resolve;
  const slow: typeof ledger.setTarget = async (command) => (await isLetGo, ledger.setTarget(command));
  const parts = { ledger: { ...ledger, setTarget: slow }, ledgerNow: () => clock.now(), log: silentLog };
  breaker = createTargetBreaker(parts, ledgerTarget, () => (ticks += 1));
});

const fail = async (): Promise<void> => {
  for (let attempt = 0; attempt < 5; attempt += 1) await breaker.note(timeout);
};

it("a reading that was asked for before the breaker opened does not close it", async () => {
  const askedAt = (ticks += 1);
  const opened = fail();
  breaker.sync({ breaker: closed, askedAt });
  store();
  await opened;
  breaker.sync({ breaker: closed, askedAt });
  expect(breaker.allowed()).toBe("none");
});

it("nor does one that was asked for while the opening was on its way to the ledger", async () => {
  const opened = fail();
  await Promise.resolve();
  const askedAt = (ticks += 1);
  breaker.sync({ breaker: closed, askedAt });
  store();
  await opened;
  breaker.sync({ breaker: closed, askedAt });
  expect(breaker.allowed()).toBe("none");
});

it("one that was asked for afterwards is taken over: an operator resumed the target", async () => {
  store();
  await fail();
  breaker.sync({ breaker: closed, askedAt: (ticks += 1) });
  expect(breaker.allowed()).toBe("many");
});

it("what an earlier process stored is taken over at the first look", () => {
  breaker.sync({ breaker: open, askedAt: (ticks += 1) });
  expect(breaker.allowed()).toBe("none");
});
