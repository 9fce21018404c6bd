/** A Redis ledger as an operator names it: flags, environment, secrets, and what doctor says of the servers. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLedgerUrl } from "../../src/engines/redis/connection/ledger-url.ts";
import { parseServeOptions, type ServeFlags } from "../../src/entry/config.ts";
import { checkRedis } from "../../src/entry/doctor/check-redis.ts";
import { readAccess } from "../../src/entry/redis-access.ts";
import { createBuilders, ledgerDb } from "../support/builders.ts";
import { realClock } from "../support/real-clock.ts";
import { openAt } from "../support/redis-opened.ts";
import { redisCli } from "../support/redis-topologies.ts";
import { valueOf } from "../kit/ledger/bench.ts";
import { appendAlways, startRedis, type RedisServer } from "../support/redis-server.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayfly-entry-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const parse = (flags: ServeFlags, env: Record<string, string> = {}) =>
  parseServeOptions({ policy: ".", development: true, ...flags }, env);

describe("the settings of a Redis ledger", () => {
  it.each<[string, ServeFlags, Record<string, string>]>([
    ["a flag", { ledger: "rediss://bot@one:6380" }, {}],
    ["the environment, with a password", {}, { MAYFLY_LEDGER: "rediss://bot:s3cret@one:6380" }],
  ])("are taken from %s", (_, flags, env) => {
    const options = parse(flags, env);
    const place = { user: "bot", hosts: [{ host: "one", port: 6380 }] };
    expect(options).toMatchObject({ ok: true, value: { ledger: { kind: "redis", place }, acceptedLoss: null } });
    expect(JSON.stringify(options)).not.toContain("s3cret");
  });

  it.each<[string, ServeFlags, string]>([
    ["a password in a flag", { ledger: "redis://bot:s3cret@one" }, "every user of this machine can read"],
    ["a URL that is none", { ledger: "redis://s3cret@@" }, "is not a Redis URL"],
    ["an unknown kind", { ledger: "mysql://one" }, "is not a ledger that this release knows"],
    ["a loss that is no number", { acceptLoss: "some" }, "is not a number of seconds"],
  ])("refuse %s, and do not repeat it", (_, flags, message) => {
    const options = parse(flags);
    expect(options).toMatchObject({ ok: false, fault: [{ message: expect.stringContaining(message) }] });
    expect(JSON.stringify(options)).not.toContain("s3cret");
  });

  it.each([
    ["2", 2],
    ["all", "all"],
  ])("accept a loss of %s", (acceptLoss, acceptedLoss) => {
    expect(parse({ acceptLoss })).toMatchObject({ ok: true, value: { acceptedLoss } });
  });
});

describe("the secrets of a Redis ledger", () => {
  const access = (url: string, env: Record<string, string> = {}) => {
    const place = parseLedgerUrl(url);
    if (!place.ok) throw new Error(place.fault.message);
    return readAccess(place.value, env);
  };
  const fileWith = async (text: string): Promise<string> => {
    const file = join(dir, `secret-${text.length}`);
    await writeFile(file, text);
    return file;
  };

  it.each([
    ["the environment", async () => access("redis://bot@one", { MAYFLY_LEDGER_PASSWORD: "s3cret" })],
    [
      "a file that the environment names",
      async () => access("redis://bot@one", { MAYFLY_LEDGER_PASSWORD_FILE: await fileWith("s3cret\n") }),
    ],
    ["a file that the URL names", async () => access(`redis://bot@one?password_file=${await fileWith("s3cret\n")}`)],
    ["the URL", async () => access("redis://bot:s3cret@one")],
  ])("come from %s", async (_, read) => {
    const found = await read();
    expect(found.ok && found.value.password?.reveal()).toBe("s3cret");
  });

  it.each([
    ["a user without a password", () => access("redis://bot@one"), /names the user bot without a password/],
    ["a file that is not there", () => access("redis://one?password_file=/nowhere"), /cannot be read/],
    ["an empty file", async () => access(`redis://one?password_file=${await fileWith("\n")}`), /is empty/],
    [
      "a CA that is none",
      async () => access(`rediss://one?ca=${await fileWith("no certificate")}`),
      /holds no certificate/,
    ],
    ["a CA that is not there", () => access("rediss://one?ca=/nowhere"), /cannot be read/],
  ])("refuse %s", async (_, read, message) => {
    expect(await read()).toMatchObject({ ok: false, fault: { message: expect.stringMatching(message) } });
  });
});

describe("doctor over a Redis ledger", () => {
  const servers: RedisServer[] = [];
  afterAll(async () => void (await Promise.all(servers.map((server) => server.stop()))));

  async function findings(args: readonly string[], mode: "production" | "development", acceptedLoss: number | null) {
    const server = await startRedis(args);
    servers.push(server);
    const place = parseLedgerUrl(`redis://127.0.0.1:${server.port}`);
    if (!place.ok) throw new Error(place.fault.message);
    return (await checkRedis(place.value, { mode, acceptedLoss }, {}, ["k1"])).findings;
  }

  it("compares the seals of what lives with the ring, tells what is known of providers, and makes no ledger", async () => {
    const server = await startRedis();
    servers.push(server);
    const url = `redis://127.0.0.1:${server.port}`;
    const place = parseLedgerUrl(url);
    if (!place.ok) throw new Error(place.fault.message);
    const look = (ring: readonly string[] | null) =>
      checkRedis(place.value, { mode: "development", acceptedLoss: null }, {}, ring);
    const seals = async (ring: readonly string[] | null) => (await look(ring)).findings.at(-1);
    expect(await seals(["k1"])).toMatchObject({ level: "ok", detail: expect.stringContaining("no ledger yet") });
    expect((await look(["k1"])).notes).toBeNull();
    expect(redisCli(server.port, "dbsize").trim()).toBe("0");

    const ledger = await openAt(url);
    try {
      expect(await seals(["k1"])).toMatchObject({ level: "ok", detail: "there are none" });
      const builders = createBuilders({ clock: realClock });
      const task = valueOf(await ledger.openTask(builders.openTask()));
      const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(task.id)));
      valueOf(await ledger.completeMint(builders.completeMint(lease, { sealed: "k1.sealed" })));
      expect(await seals(["k1"])).toMatchObject({ level: "ok", detail: expect.stringContaining("of all that live") });
      expect(await seals(["k2"])).toMatchObject({ level: "fail", detail: expect.stringContaining("lacks key k1") });
      expect(await seals(null)).toMatchObject({ level: "warn" });
      await ledger.noteProvider({ provider: ledgerDb, seen: { kind: "kill", digest: "system.a" } });
      expect((await look(["k1"])).notes).toMatchObject([{ provider: ledgerDb, kill: { digest: "system.a" } }]);
    } finally {
      await ledger.close();
    }
  });

  it("finds servers fit, and says what holds", async () => {
    expect(await findings(appendAlways, "production", null)).toMatchObject([
      { check: "ledger", level: "ok", detail: expect.stringContaining("answers: Redis ") },
      { level: "ok", detail: "every write is on the disk before it is answered" },
      { level: "ok", detail: expect.stringContaining("no ledger yet") },
    ]);
  });

  it.each(["development", "production"] as const)("says in %s what could be lost, and how to mend it", async (mode) => {
    const everysec = ["--appendonly", "yes", "--appendfsync", "everysec"];
    const found = await findings(everysec, mode, mode === "production" ? 2 : null);
    expect(found[1]).toMatchObject({ level: "warn", detail: expect.stringContaining("the last 2 s") });
    expect(found[1]?.fix).toContain("appendfsync always");
  });

  it("fails what serve would refuse", async () => {
    expect(await findings([], "production", null)).toMatchObject([
      { check: "ledger", level: "fail", detail: expect.stringContaining("could be lost") },
    ]);
  });
});
