/** Nodes that are killed: a worker inside a revocation, an API node inside an issue. The others finish what they began. */
import type { Scenario } from "../support/chaos/run.ts";
import { describeChaos } from "../support/chaos/describe-chaos.ts";
import { oneRedis, type OneRedis } from "../support/chaos/stores.ts";

/** Resolves inside the n-th event; what it does then is done before the server's answer is on the way. */
function atEvent(n: number, arm: (listener: (() => void) | null) => void, act: () => Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  arm(() => {
    seen += 1;
    if (seen !== n) return;
    arm(null);
    resolve(act());
  });
  return promise;
}

const scenarios: readonly Scenario<OneRedis>[] = [
  {
    name: "a worker dies in mid-revocation",
    roles: ["api", "worker"],
    start: oneRedis,
    // More than a worker has in hand at a time, so that some of them are not even claimed.
    answersBefore: 240,
    async strike({ nodes, at }) {
      await atEvent(
        3,
        (listener) => (at.onRevoked = listener),
        () => nodes.kill("worker"),
      );
      await nodes.start("worker");
    },
  },
  {
    name: "an API node dies in mid-issue",
    roles: ["api", "api", "worker"],
    start: oneRedis,
    mayOrphan: true,
    strike: ({ nodes, at }) =>
      atEvent(
        3,
        (listener) => (at.onToken = listener),
        () => nodes.kill("api"),
      ),
  },
];

describeChaos(scenarios);
