/** Whether a kill was ever seen: one source, that an answer never waits for. */
import { describe, expect, it } from "vitest";
import { createKillRecords } from "../../src/broker/operate/kill-records.ts";
import { openMemoryLedger } from "../../src/engines/memory/ledger.ts";
import { emptyState } from "../../src/engines/memory/state.ts";
import { createListedSystem } from "../support/listed-system.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { ledgerDb, providerName } from "../support/builders.ts";

function setUp(probe: "data-plane" | "none" = "data-plane") {
  const clock = createManualClock();
  const ledger = openMemoryLedger({ clock, state: emptyState() });
  const { provider } = createListedSystem();
  const judged = { digest: "system-1.a", capabilities: { ...provider.capabilities, probe } };
  let readings = 0;
  let isBroken = false;
  const records = createKillRecords({
    ledger: {
      listProviderNotes: async () => {
        readings += 1;
        if (isBroken) throw new Error("the store is away");
        return ledger.listProviderNotes();
      },
    },
    clock,
    current: (name) => (name === ledgerDb ? judged : undefined),
  });
  return {
    records,
    readings: () => readings,
    breakStore: (broken: boolean) => (isBroken = broken),
    see: (digest: string) => ledger.noteProvider({ provider: ledgerDb, seen: { kind: "kill", digest } }),
    /** Asks, and lets the reading that this began come to its end. */
    ask: async (after = 5_000): Promise<boolean> => {
      clock.advance(after);
      const answer = records.isUnseen(ledgerDb);
      await new Promise(setImmediate);
      return answer;
    },
  };
}

describe("a provider's kill", () => {
  it("is unseen until its note is there, which the answer after the next reading knows", async () => {
    const { ask, see, records } = setUp();
    expect(await ask()).toBe(true);
    await see("system-1.b");
    expect(await ask()).toBe(true);
    expect(await ask()).toBe(false);
    expect(records.of(ledgerDb)).toMatchObject({ kind: "seen" });
  });

  it("that another system of its name showed is unseen", async () => {
    const { ask, see } = setUp();
    await see("system-2.a");
    await ask();
    expect(await ask()).toBe(true);
  });

  it("that nobody could see is not called unseen, nor is that of a provider which the policy has no more", async () => {
    const { ask, records, readings } = setUp("none");
    expect([await ask(), records.of(ledgerDb)]).toEqual([false, { kind: "cannot_be_seen" }]);
    const gone = providerName("gone");
    expect([records.isUnseen(gone), records.of(gone), readings()]).toEqual([false, undefined, 0]);
  });

  it("is read once in five seconds while unseen, and never again once it was seen", async () => {
    const { ask, see, readings } = setUp();
    for (let time = 0; time < 20; time += 1) await ask(time === 0 ? 5_000 : 100);
    expect(readings()).toBe(1);
    await see("system-1.a");
    await ask();
    for (let time = 0; time < 20; time += 1) expect(await ask()).toBe(false);
    expect(readings()).toBe(2);
  });

  it("stays as it was known while the store is away", async () => {
    const { ask, see, breakStore } = setUp();
    await ask();
    await see("system-1.a");
    breakStore(true);
    expect([await ask(), await ask()]).toEqual([true, true]);
    breakStore(false);
    await ask();
    expect(await ask()).toBe(false);
  });
});
