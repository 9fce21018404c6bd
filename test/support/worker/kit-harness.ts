/** The Durable Object engine as a harness of the ledger kit: each ledger is an object of one workerd. */
import { randomUUID } from "node:crypto";
import { epochMillis, type EpochMillis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { LedgerHarness, MakeHarness } from "../../kit/ledger/harness.ts";
import { createManualClock } from "../manual-clock.ts";
import type { KitAnswer, KitCall } from "./kit-worker.ts";

export const makeObjectHarness =
  (workerUrl: () => string, limits: () => Pick<KitCall, "maxIssuingBytes"> = () => ({})): MakeHarness =>
  async (options = {}): Promise<LedgerHarness> => {
    const clock = createManualClock(options.startAt);
    const url = `${workerUrl()}/${randomUUID()}`;
    let listeners: ((dueAt: EpochMillis) => void)[] = [];
    let isRestarting = true;

    async function ask(verb: keyof Ledger, args: readonly unknown[]): Promise<unknown> {
      const call: KitCall = {
        verb,
        args,
        wall: clock.now(),
        monotonic: clock.monotonicMillis(),
        ...(isRestarting && { restart: true as const, ...limits() }),
      };
      isRestarting = false;
      const answer = await fetch(url, { method: "POST", body: JSON.stringify(call) });
      const { value, thrown, due } = (await answer.json()) as KitAnswer;
      for (const at of due) for (const listener of listeners) listener(epochMillis(at));
      if (thrown !== undefined) throw new Error(thrown);
      return value;
    }

    const ledger = new Proxy({} as Ledger, {
      get(_, name) {
        if (name === "then") return undefined;
        if (name === "onDue") return (listener: (dueAt: EpochMillis) => void) => void listeners.push(listener);
        return (...args: readonly unknown[]) => ask(name as keyof Ledger, args);
      },
    });
    return {
      ledger,
      clock,
      async restart() {
        isRestarting = true;
        listeners = [];
        await ledger.health();
      },
      close: async () => {},
    };
  };
