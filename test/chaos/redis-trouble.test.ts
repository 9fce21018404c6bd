/**
 * A server that stops, hangs, runs out of memory or dies under a ledger: what was answered holds, what was not is
 * `unknown`, issuing rests where it must, kills go on, and all of it resumes by itself.
 */
import { afterEach, describe, expect, it } from "vitest";
import type { TaskId } from "../../src/kernel/ids.ts";
import { millis } from "../../src/kernel/time.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { createBuilders, ledgerTarget } from "../support/builders.ts";
import { realClock } from "../support/real-clock.ts";
import { endTask, mayIssue, openAt } from "../support/redis-opened.ts";
import { appendAlways, startRedis, type RedisServer } from "../support/redis-server.ts";
import { redisCli, until } from "../support/redis-topologies.ts";

const builders = createBuilders({ clock: realClock });
let stop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stop.map((end) => end()));
  stop = [];
});

async function begin(args: readonly string[] = []): Promise<{ server: RedisServer; ledger: Ledger; url: string }> {
  const server = await startRedis(args);
  const url = `redis://127.0.0.1:${server.port}?shards=4`;
  const ledger = await openAt(url);
  stop.push(
    () => ledger.close(),
    () => server.stop(),
  );
  return { server, ledger, url };
}

const open = (ledger: Ledger) => ledger.openTask(builders.openTask());

async function openedTask(ledger: Ledger): Promise<TaskId> {
  const opened = await open(ledger);
  if (opened.kind !== "ok") throw new Error(JSON.stringify(opened));
  return opened.value.id;
}

describe("a Redis server in trouble", () => {
  it("a paused one leaves outcomes unknown, and then resumes", { timeout: 60_000 }, async () => {
    const { server, ledger } = await begin();
    const task = await openedTask(ledger);
    server.kill("SIGSTOP");
    const [issue, ending] = await Promise.all([open(ledger), endTask(ledger, task)]);
    expect([issue.kind, ending.kind]).toEqual(["unknown", "unknown"]);
    server.kill("SIGCONT");
    await until(() => mayIssue(ledger));
    expect((await open(ledger)).kind).toBe("ok");
    // It may have been carried out late: the repeat answers the same end.
    expect((await endTask(ledger, task)).kind).toBe("ok");
    expect((await ledger.readTask(task))?.gate.kind).toBe("closed");
  });

  it("one that was killed with -9 has all that it answered, on the same folder", { timeout: 60_000 }, async () => {
    const { server, ledger, url } = await begin(appendAlways);
    const opened = await Promise.all(Array.from({ length: 40 }, () => openedTask(ledger)));
    const ended: TaskId[] = [];
    const ends = opened.map(async (task, index) => {
      const answer = await endTask(ledger, task);
      if (answer.kind === "ok") ended.push(task);
      if (index === 5) server.kill("SIGKILL");
    });
    await Promise.all(ends);
    await server.exited;
    expect(ended.length).toBeGreaterThan(0);
    expect((await open(ledger)).kind).toBe("unknown");
    expect(await mayIssue(ledger)).toBe(false);

    const again = await startRedis(appendAlways, server);
    stop.push(() => again.stop());
    await until(() => mayIssue(ledger));
    for (const ledgers of [ledger, await openAt(url)]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const views = await Promise.all(ended.map((task) => ledgers.readTask(task)));
      expect(views.map((view) => view?.gate.kind)).toEqual(ended.map(() => "closed"));
      if (ledgers !== ledger) stop.push(() => ledgers.close());
    }
  });

  it("a lost connection is unknown to those who wait, and is made anew", async () => {
    const { server, ledger } = await begin();
    const answers = Array.from({ length: 20 }, () => open(ledger));
    redisCli(server.port, "client", "kill", "type", "normal", "skipme", "yes");
    const kinds = new Set((await Promise.all(answers)).map(({ kind }) => kind));
    expect([...kinds].every((kind) => kind === "ok" || kind === "unknown" || kind === "conflict")).toBe(true);
    await until(() => mayIssue(ledger));
    expect((await open(ledger)).kind).toBe("ok");
  });

  it("one without memory left issues nothing, and ends and verdicts go on", { timeout: 60_000 }, async () => {
    const { server, ledger } = await begin();
    const task = await openedTask(ledger);
    redisCli(server.port, "config", "set", "maxmemory", "1mb");
    await until(async () => (await ledger.health()).suspended === "disk_full");
    expect(await open(ledger)).toEqual({ kind: "conflict", conflict: { reason: "suspended", why: "disk_full" } });
    expect((await endTask(ledger, task)).kind).toBe("ok");
    expect((await ledger.claimDue({ target: ledgerTarget, limit: 10, claim: millis(1_000), fence: "f1" })).kind).toBe(
      "ok",
    );
    redisCli(server.port, "config", "set", "maxmemory", "0");
    await until(() => mayIssue(ledger));
    expect((await open(ledger)).kind).toBe("ok");
  });

  it.each([
    ["that only reads now", ["replicaof", "127.0.0.1", "1"], ["replicaof", "no", "one"]],
    [
      "that takes another password now",
      ["config", "set", "requirepass", "an0ther"],
      ["config", "set", "requirepass", ""],
    ],
  ])(
    "one %s issues nothing and loses nothing, and all resumes by itself",
    { timeout: 60_000 },
    async (_, spoil, mend) => {
      const { server, ledger } = await begin();
      const task = await openedTask(ledger);
      redisCli(server.port, ...spoil);
      // A password holds for connections that are made from now on.
      redisCli(server.port, "-a", "an0ther", "client", "kill", "type", "normal");
      await until(async () => !(await mayIssue(ledger)));
      expect((await open(ledger)).kind).not.toBe("ok");
      expect((await endTask(ledger, task)).kind).toBe("unknown");
      redisCli(server.port, "-a", "an0ther", ...mend);
      await until(() => mayIssue(ledger));
      expect((await open(ledger)).kind).toBe("ok");
      expect((await endTask(ledger, task)).kind).toBe("ok");
      expect((await ledger.readTask(task))?.gate.kind).toBe("closed");
    },
  );

  it("one that may drop keys now issues nothing, ends go on, and all resumes by itself", async () => {
    const { server, ledger } = await begin();
    const task = await openedTask(ledger);
    redisCli(server.port, "config", "set", "maxmemory-policy", "allkeys-lru");
    await until(async () => !(await mayIssue(ledger)));
    expect(await open(ledger)).toMatchObject({ kind: "conflict", conflict: { reason: "suspended" } });
    expect((await endTask(ledger, task)).kind).toBe("ok");
    redisCli(server.port, "config", "set", "maxmemory-policy", "noeviction");
    await until(() => mayIssue(ledger));
    expect((await open(ledger)).kind).toBe("ok");
  });
});
