/** One Redis that is killed under load and started again, or that stands still for longer than any command is waited for. */
import type { Scenario } from "../support/chaos/run.ts";
import { describeChaos } from "../support/chaos/describe-chaos.ts";
import { oneRedis, type OneRedis } from "../support/chaos/stores.ts";

const downMillis = 2_000;
const pausedMillis = 10_000;
const pass = (span: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, span));

const scenarios: readonly Scenario<OneRedis>[] = [
  {
    name: "Redis is killed and started again",
    roles: ["all", "all"],
    start: oneRedis,
    async strike({ store, at }) {
      // Inside a mint: its intent is stored, what it made is not yet.
      const { promise, resolve } = Promise.withResolvers<void>();
      at.onToken = () => resolve();
      await promise;
      at.onToken = null;
      store.server().kill("SIGKILL");
      await pass(downMillis);
      await store.startAgain();
    },
  },
  {
    name: "Redis stands still",
    roles: ["all", "all"],
    start: oneRedis,
    async strike({ store }) {
      store.server().kill("SIGSTOP");
      await pass(pausedMillis);
      store.server().kill("SIGCONT");
    },
  },
];

describeChaos(scenarios);
