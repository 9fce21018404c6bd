/** The broker as a process: what it says when it may not start, how it stops, and what a signal or a SIGKILL leaves. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startChild } from "../support/flow/child.ts";
import { startChildWorld, type ChildWorld } from "../support/flow/child-world.ts";
import { createClient } from "../support/flow/client.ts";
import { isOnSqlite } from "../support/ledger-kind.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { policyResources, yamlOf } from "../support/flow/policy.ts";
import { oauthPaths } from "../support/flow/servers.ts";

let world: ChildWorld;
beforeAll(async () => {
  world = await startChildWorld();
});
afterAll(() => world.close());

const freePorts = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
const untilRefused = (url: string) =>
  eventuallyTrue("nothing listens any more", () =>
    fetch(`${url}/livez`).then(
      () => false,
      () => true,
    ),
  );

describe("a second broker", () => {
  it("on the same SQLite file is refused with what to do, and the first goes on", async (context) => {
    context.skip(!isOnSqlite, "is about a SQLite file");
    const second = startChild([...world.args, ...freePorts], world.env);
    expect(await second.exited).not.toBe(0);
    expect(second.text()).toMatch(/another broker is using .*ledger\.db/);
    expect(second.text()).toContain("Nothing was started");
    expect((await world.operate("GET", "/readyz")).status).toBe(200);
  });

  it("on the same Redis shares the work, and each knows what the other did", async (context) => {
    context.skip(isOnSqlite, "is about a Redis server");
    const second = startChild([...world.args, ...freePorts], world.env);
    const { listen, admin } = await second.line("started");
    const there = createClient(world.servers, () => ({ public: String(listen), admin: String(admin) }));
    const task = await world.openTask();
    const { token } = await there.issue({ task });
    expect((await world.end(task)).body.summary).toMatchObject({ live: 0, dead: 1 });
    expect(await world.servers.isAlive(token)).toBe(false);
    second.signal("SIGTERM");
    expect(await second.exited).toBe(0);
  });

  it("on the same address is refused, and the first goes on", async () => {
    const data = join(world.folder, "other-data");
    const args = ["--development", "--policy", join(world.folder, "policy"), "--data", data];
    const { host } = new URL(world.publicUrl);
    const second = startChild([...args, "--listen", host, "--admin-listen", "127.0.0.1:0"], world.env);
    expect(await second.exited).not.toBe(0);
    expect(second.text()).toContain(`cannot listen on ${host}`);
    expect((await world.operate("GET", "/readyz")).status).toBe(200);
  });
});

describe("a start that cannot be", () => {
  it.each<[string, () => Promise<readonly string[]> | readonly string[], Record<string, string>, RegExp]>([
    ["without a policy", () => ["--development", ...freePorts], {}, /--policy is missing/],
    [
      "in production without keys",
      () => ["--policy", join(world.folder, "policy"), ...freePorts],
      {},
      /MAYFLY_SEALING_KEYS/,
    ],
    [
      "with a policy that is not there",
      () => [
        "--development",
        "--policy",
        join(world.folder, "nowhere"),
        "--data",
        join(world.folder, "d1"),
        ...freePorts,
      ],
      {},
      /cannot be read/,
    ],
    [
      "with a bad policy: file, line and fix",
      async () => {
        const dir = join(world.folder, "data", "bad");
        const { mkdir } = await import("node:fs/promises");
        await mkdir(dir, { recursive: true });
        await writeFile(join(dir, "one.yaml"), "apiVersion: mayfly.dev/v1\nkind: Nothing\n");
        return ["--development", "--policy", dir, "--data", join(world.folder, "d2"), ...freePorts];
      },
      {},
      /one\.yaml:\d+/,
    ],
    ["with an address that is none", () => [...world.args, "--listen", "nowhere"], {}, /is not an address/],
    ["with another kind of ledger", () => [...world.args, ...freePorts, "--ledger", "mysql://x"], {}, /sqlite:FILE/],
  ])("%s", async (_, args, env, message) => {
    const child = startChild(await args(), { ...world.env, ...env });
    expect(await child.exited).not.toBe(0);
    expect(child.text()).toMatch(message);
    expect(child.log.some(({ event }) => event === "started")).toBe(false);
  });
});

describe("SIGHUP", () => {
  it("takes over a good policy, and keeps the last good one with the fault's place in the log", async () => {
    const digest = async () => (await world.operate("GET", "/readyz")).body.policy_digest;
    const good = yamlOf(policyResources(world.servers.places));
    const before = await digest();
    await writeFile(world.policyFile, good.replace('"autoTask": true', '"autoTasks": true'));
    const refused = await world.child.line("policy_refused");
    expect(refused["kept"]).toBe(before);
    expect(String((await world.child.line("policy_fault"))["fault"])).toMatch(/^policy\.yaml:\d+:\d+.*autoTasks/);
    expect(await digest()).toBe(before);
    // The folder is watched too; the signal asks once more.
    const refusals = (): number => world.child.log.filter(({ event }) => event === "policy_refused").length;
    const watched = refusals();
    world.child.signal("SIGHUP");
    await eventuallyTrue("the signal is heard", async () => refusals() > watched);

    await writeFile(world.policyFile, good.replace('"defaultSeconds": 2,', '"defaultSeconds": 1,'));
    world.child.signal("SIGHUP");
    await eventuallyTrue("the new policy is in force", async () => (await digest()) !== before);
    await writeFile(world.policyFile, good);
    world.child.signal("SIGHUP");
    await eventuallyTrue("the old policy is in force again", async () => (await digest()) === before);
  });
});

describe("SIGTERM", () => {
  it("lets the request under way finish, takes no more, exits 0; what lives goes on, and dies after the next start", async () => {
    const { proxy } = world.servers;
    const task = await world.openTask();
    const arrival = proxy.arrival(oauthPaths.token);
    const release = proxy.hold(oauthPaths.token);
    const underWay = world.exchange({ task });
    await arrival;
    const { child, publicUrl } = world;
    child.signal("SIGTERM");
    await untilRefused(publicUrl);
    expect(child.text()).toContain("waiting for 1 credential being minted or given up, at most 20s");
    release();
    const answer = await underWay;
    const answeredAt = performance.now();
    expect(answer.status).toBe(200);
    expect(await child.exited).toBe(0);
    // A connection that is only kept alive holds nothing up: clients keep theirs for 4 s, the server for 5.
    expect(performance.now() - answeredAt).toBeLessThan(3_000);
    expect(child.log.at(-1)?.event).toBe("stopped");
    const token = answer.body.access_token ?? "";
    expect(await world.servers.isAlive(token)).toBe(true);

    await world.startAgain();
    expect(await world.servers.isAlive(token)).toBe(true);
    const ended = await world.end(task);
    expect(ended.body.summary).toMatchObject({ live: 0, dead: 1 });
    expect(await world.servers.isAlive(token)).toBe(false);
  });
});

describe("a second SIGTERM", () => {
  it("ends at once, though a credential is being minted; the next start ends what may have been made", async () => {
    const { proxy } = world.servers;
    const task = await world.openTask();
    const arrival = proxy.arrival(oauthPaths.token);
    const release = proxy.hold(oauthPaths.token);
    const underWay = world.exchange({ task }).catch(() => undefined);
    await arrival;
    const { child } = world;
    child.signal("SIGTERM");
    await eventuallyTrue("it says what it waits for", async () => child.text().includes("waiting for 1 credential"));
    child.signal("SIGTERM");
    expect(await child.exited).toBe(130);
    release();
    expect(await underWay).toBeUndefined();
    await world.startAgain();
    const ended = await world.end(task, { waitSeconds: 0 });
    expect(ended.body.summary).toMatchObject({ live: 1 });
    expect(ended.body.leases?.map(({ state }) => state)).toEqual(["revoking"]);
  });
});

describe("a fault that nobody expected", () => {
  const canary = "canary-of-a-third-party";
  /** Loaded into the broker's process beside it: a bug that strikes at a signal. */
  const bugs = {
    unhandled_rejection: `void Promise.reject(new Error(text))`,
    uncaught_exception: `throw new TypeError(text)`,
  };

  it.each(Object.entries(bugs))("%s: told without its text, and the process ends", async (kind, bug) => {
    const script = `const text = process.env.CANARY; process.on("SIGUSR2", () => { ${bug}; });`;
    const preload = `--import=data:text/javascript,${encodeURIComponent(script)}`;
    const data = join(world.folder, `data-${kind}`);
    const args = ["--development", "--policy", join(world.folder, "policy"), "--data", data, ...freePorts];
    const child = startChild(args, {
      ...world.env,
      NODE_OPTIONS: preload,
      CANARY: `${canary}\n    at ${canary} (file:1:1)`,
    });
    await child.line("started");
    child.signal("SIGUSR2");
    expect(await child.exited).toBe(70);
    expect(await child.line("crashed")).toMatchObject({ kind, name: expect.stringMatching(/^(Type)?Error$/) });
    expect(String((await child.line("crashed"))["places"])).toContain("at process");
    expect(child.text()).not.toContain(canary);
  });
});

describe("SIGKILL", () => {
  it("after an end was answered but not carried out: the next start carries it out", async () => {
    const { proxy } = world.servers;
    const task = await world.openTask();
    const { token } = await world.issue({ task });
    proxy.breakPath(oauthPaths.revocation, { kind: "reset_before" });
    await world.end(task, { waitSeconds: 0 });
    world.child.signal("SIGKILL");
    expect(await world.child.exited).toBe("SIGKILL");
    proxy.heal();
    expect(await world.servers.isAlive(token)).toBe(true);
    await world.startAgain();
    const [line] = await eventually("the credential is dead", async () => {
      const lines = await world.leasesOf(task);
      return lines.every(({ state }) => state === "revoked") ? lines : undefined;
    });
    expect(line?.verdict).toBe("dead-verified");
    expect(await world.servers.isAlive(token)).toBe(false);
  });
});
