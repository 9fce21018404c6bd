/** A cluster whose replicas still wait for their first copy: what it answers could be lost, so replicas are waited for. */
import { expect, it } from "vitest";
import { checkServers } from "../../../src/engines/redis/connection/server-checks.ts";
import { openOptions } from "../../support/redis-opened.ts";
import { startCluster } from "../../support/redis-topologies.ts";

const noCopyYet = ["--repl-diskless-sync-delay", "600"];

it.each([
  ["replicas without a copy yet", 1, true],
  ["no replicas", 0, false],
] as const)("%s", { timeout: 60_000 }, async (_, replicas, mayFailOver) => {
  const cluster = await startCluster(noCopyYet, replicas, "wait_bgsave");
  try {
    const checked = await checkServers(openOptions(`redis://${cluster.hosts}`));
    expect(checked).toMatchObject({ ok: true, value: { mayFailOver } });
  } finally {
    await cluster.stop();
  }
});
