/** The model as a harness: a restart reopens a deep copy of its plain data, as a store would. */
import { openMemoryLedger } from "../../../src/engines/memory/ledger.ts";
import { emptyState } from "../../../src/engines/memory/state.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import type { MakeHarness } from "./harness.ts";

export const makeMemoryHarness: MakeHarness = async (options = {}) => {
  const clock = createManualClock(options.startAt);
  let state = emptyState();
  let ledger = openMemoryLedger({ clock, state });
  return {
    get ledger() {
      return ledger;
    },
    clock,
    async restart() {
      await ledger.close();
      state = structuredClone(state);
      ledger = openMemoryLedger({ clock, state });
    },
    close: () => ledger.close(),
  };
};
