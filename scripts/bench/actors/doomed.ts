/** A broker's kill path in a process that will be killed in the middle of its work, and in those that go on with it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TaskId } from "../../../src/kernel/ids.ts";
import { serveActor, tellEvent } from "../actor.ts";
import { valueOf } from "../ledger/commands.ts";
import { createKillWorld } from "../ledger/kill-world.ts";

/** As a real system takes, so that the kill finds work under way. */
const providerMillis = 20;

let begun = 0;
let died = 0;

serveActor({
  async work({ place, end, leases, hangs }: { place: string; end: TaskId | null; leases: number; hangs?: true }) {
    const world = await createKillWorld({
      place,
      onDeath: () => void (died += 1),
      revoke: async ({ lease }) => {
        begun += 1;
        tellEvent("begun", lease.id);
        if (begun === Math.ceil(leases / 2)) tellEvent("half", begun);
        await (hangs === true ? new Promise(() => {}) : sleep(providerMillis));
        return { kind: "dead-unverified" };
      },
    });
    world.pool.start();
    if (end !== null) valueOf(await world.ledger.endTask(world.commands.end(end)));
  },
  /** Attempts and recorded deaths so far. */
  begun: () => begun,
  died: () => died,
});
