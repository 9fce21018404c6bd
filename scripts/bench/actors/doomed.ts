/** A broker's kill path in a process that will be killed in the middle of its work, and in the one that follows it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TaskId } from "../../../src/kernel/ids.ts";
import { serveActor, tellEvent } from "../actor.ts";
import { valueOf } from "../ledger/commands.ts";
import { createKillWorld } from "../ledger/kill-world.ts";

/** As a real system takes, so that the kill finds work under way. */
const providerMillis = 20;

serveActor({
  async work({ place, end, leases }: { place: string; end: TaskId | null; leases: number }) {
    let begun = 0;
    const world = await createKillWorld({
      place,
      revoke: async ({ lease }) => {
        begun += 1;
        if (begun === 1) tellEvent("first", lease.id);
        if (begun === Math.ceil(leases / 2)) tellEvent("half", begun);
        await sleep(providerMillis);
        return { kind: "dead-unverified" };
      },
    });
    world.pool.start();
    if (end !== null) valueOf(await world.ledger.endTask(world.commands.end(end)));
  },
});
