/** Replicas of a cluster that are not there yet: without their first copy at a start, or added while a node runs. */
import { describe, expect, it } from "vitest";
import { checkServers } from "../../../src/engines/redis/connection/server-checks.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createBuilders } from "../../support/builders.ts";
import { realClock } from "../../support/real-clock.ts";
import { openAt, openOptions } from "../../support/redis-opened.ts";
import { startRedis } from "../../support/redis-server.ts";
import { startCluster, startReplica, until } from "../../support/redis-topologies.ts";

const builders = createBuilders({ clock: realClock });

const noCopyYet = ["--repl-diskless-sync-delay", "600"];

const mayFailOver = async (hosts: string): Promise<boolean> => {
  const checked = await checkServers(openOptions(`redis://${hosts}`));
  if (!checked.ok) throw new Error(checked.fault.message);
  return checked.value.mayFailOver;
};

it("replicas without a copy yet are waited for from the start", { timeout: 60_000 }, async () => {
  const cluster = await startCluster(noCopyYet, 1, "wait_bgsave");
  try {
    expect(await mayFailOver(cluster.hosts)).toBe(true);
  } finally {
    await cluster.stop();
  }
});

/** A task in each of so many trees, which are spread over the masters, and how many were answered how. */
async function openTasks(ledger: Ledger): Promise<Readonly<Record<string, number>>> {
  const answers = await Promise.all(Array.from({ length: 48 }, () => ledger.openTask(builders.openTask())));
  const counts: Record<string, number> = {};
  for (const { kind } of answers) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe("a replica that is added while a node runs", () => {
  it("is waited for where its master writes, and nowhere else", { timeout: 60_000 }, async () => {
    const cluster = await startCluster([]);
    const told: string[] = [];
    const tell = (event: string): void => void told.push(event);
    const ledger = await openAt(`redis://${cluster.hosts}`, { log: { info: tell, warn: tell, error: tell } });
    try {
      expect(await mayFailOver(cluster.hosts)).toBe(false);
      expect(await openTasks(ledger)).toEqual({ ok: 48 });
      const replica = await cluster.addReplica();
      await until(() => told.includes("ledger_replicated"));
      expect(await openTasks(ledger)).toEqual({ ok: 48 });
      // What is answered while it is gone could be lost as well, when it comes back as master.
      replica.kill("SIGKILL");
      await replica.exited;
      // The second time its master was looked at without it.
      for (const time of [1, 2])
        expect(await openTasks(ledger), `time ${time}`).toEqual({
          ok: expect.any(Number),
          unknown: expect.any(Number),
        });
    } finally {
      await ledger.close();
      await cluster.stop();
    }
  });

  it("of a server that stands alone is not waited for: nobody would put it into its place", async () => {
    const master = await startRedis();
    const replica = await startReplica(master);
    const ledger = await openAt(`redis://127.0.0.1:${master.port}`);
    try {
      replica.kill("SIGSTOP");
      expect(await openTasks(ledger)).toEqual({ ok: 48 });
    } finally {
      await ledger.close();
      await Promise.all([master.stop(), replica.stop()]);
    }
  });
});
