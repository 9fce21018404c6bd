/** Opening a ledger on real servers: what is refused, in words that say what to do, beside what is accepted. */
import { readFileSync, rmSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { storedFormat } from "../../../src/engines/redis/stored-format.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createBuilders, ledgerTarget, operator } from "../../support/builders.ts";
import { realClock } from "../../support/real-clock.ts";
import { valueOf } from "../../kit/ledger/bench.ts";
import { noAccess, openAt, tryOpen } from "../../support/redis-opened.ts";
import { appendAlways, makeFolder, startRedis, type RedisServer } from "../../support/redis-server.ts";
import { makeCertificates, type Certificates } from "../../support/certificates.ts";
import { redisCli, startReplica, startTlsRedis } from "../../support/redis-topologies.ts";

const production = { demand: { acceptedLoss: null } };
const builders = createBuilders({ clock: realClock });
const opened: Ledger[] = [];
const servers: RedisServer[] = [];
let certificates: Certificates;
let folder: string;
let plain: RedisServer;

async function server(...args: readonly string[]): Promise<string> {
  const started = await startRedis(args);
  servers.push(started);
  return `redis://127.0.0.1:${started.port}`;
}

async function open(...args: Parameters<typeof openAt>) {
  const ledger = await openAt(...args);
  opened.push(ledger);
  return ledger;
}

beforeAll(async () => {
  folder = makeFolder();
  certificates = makeCertificates(folder);
  plain = await startRedis();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((ledger) => ledger.close()));
  await Promise.all(servers.splice(0).map((started) => started.stop()));
});
afterAll(async () => {
  await plain.stop();
  rmSync(folder, { recursive: true, force: true });
});

const at = (parameters: string): string => `redis://127.0.0.1:${plain.port}?${parameters}`;

async function refusal(...args: Parameters<typeof tryOpen>) {
  const result = await tryOpen(...args);
  if (result.ok) {
    await result.value.close();
    throw new Error("it was accepted");
  }
  expect(result.fault.message).toContain("nothing was changed there");
  return result.fault;
}

describe("a ledger on Redis: which servers", () => {
  it("opens a store that works, and enters it again", async () => {
    const first = await open(at("prefix=works"));
    const task = builders.openTask();
    expect((await first.openTask(task)).kind).toBe("ok");
    const second = await open(at("prefix=works"));
    expect((await second.readTask(task.task.id))?.task.id).toBe(task.task.id);
    expect((await second.health()).suspended).toBe(null);
  });

  it("refuses a server that is not there", async () => {
    const gone = await startRedis();
    await gone.stop();
    expect(await refusal(`redis://127.0.0.1:${gone.port}`)).toMatchObject({
      reason: "unreachable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("refuses a replica, and accepts its master", async () => {
    const replica = await startReplica(plain);
    servers.push(replica);
    const fault = await refusal(`redis://127.0.0.1:${replica.port}`);
    expect(fault).toMatchObject({ reason: "replica", fix: expect.stringContaining("name its master") });
    await open(at("prefix=master"));
  });

  it("refuses a server that evicts, and writes nothing there", async () => {
    const url = await server("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru");
    expect(await refusal(url)).toMatchObject({ reason: "evicts", fix: expect.stringContaining("noeviction") });
    expect(redisCli(Number(new URL(url).port), "dbsize").trim()).toBe("0");
    redisCli(Number(new URL(url).port), "config", "set", "maxmemory-policy", "noeviction");
    await open(url);
  });

  it("refuses several servers that are no cluster", async () => {
    const other = (await server()).replace("redis://", "");
    expect(await refusal(`redis://127.0.0.1:${plain.port},${other}`)).toMatchObject({ reason: "not_redis" });
  });
});

describe("a ledger on Redis: who may use it", () => {
  const userWith = (rules: string): readonly string[] => [
    "--user",
    ...`mayfly on >s3cret ~mayfly{*}:* ${rules}`.split(" "),
  ];
  const users = ["--user", "default", "off", ...userWith("+@all -@dangerous +info +config|get")];
  const access = (password: string | null, user: string | null = "mayfly") => ({
    access: { ...noAccess, user, password: password === null ? null : new Redacted(password, "password") },
  });

  it("logs in as an ACL user", async () => {
    const url = await server(...users);
    expect((await (await open(url, access("s3cret"))).health()).suspended).toBe(null);
  });

  it("needs no more than the rule for an ACL user that SECURITY.md gives", async () => {
    const security = readFileSync(new URL("../../../SECURITY.md", import.meta.url), "utf8");
    const [rule] = /^ *user mayfly .*$/m.exec(security) ?? [];
    if (rule === undefined) throw new Error("there is no rule");
    const words = rule
      .trim()
      .split(" ")
      .slice(1)
      .map((word) => (word.startsWith(">") ? ">s3cret" : word));
    const url = await server("--user", ...words);
    const ledger = await open(url, access("s3cret"));
    const task = valueOf(await ledger.openTask(builders.openTask()));
    valueOf(await ledger.recordIntent(builders.recordIntent(task.id)));
    valueOf(await ledger.endTask({ taskId: task.id, outcome: "completed", reason: null, cause: operator }));
    const { promise: worked, resolve } = Promise.withResolvers<void>();
    ledger.workforce.start(async () => resolve());
    ledger.workforce.wake(ledgerTarget);
    await worked;
    expect([...(await ledger.workforce.depths()).keys()]).toEqual([ledgerTarget]);
    const port = Number(new URL(url).port);
    expect(redisCli(port, "acl", "log").trim()).toBe("");
    expect(await refusal(`${url}?prefix=other`, access("s3cret"))).toMatchObject({ reason: "forbidden" });
  });

  it.each([
    ["a wrong password", access("wr0ng")],
    ["no password", access(null, null)],
  ])("refuses %s, and does not say it", async (_, wrong) => {
    const fault = await refusal(await server(...users), wrong);
    expect(fault.reason).toBe("wrong_password");
    expect(JSON.stringify(fault)).not.toMatch(/wr0ng|s3cret/);
  });

  it("refuses a user who may not run scripts", async () => {
    const url = await server(...userWith("+@all -@scripting"));
    expect(await refusal(url, access("s3cret"))).toMatchObject({
      reason: "forbidden",
      fix: expect.stringContaining("+@all"),
    });
  });

  it("takes unreadable settings for weak ones", async () => {
    const url = await server(...appendAlways, ...userWith("+@all -config"));
    const fault = await refusal(url, { ...access("s3cret"), ...production });
    expect(fault).toMatchObject({ reason: "weak", fix: expect.stringContaining("+config|get") });
    const accepted = await open(url, { ...access("s3cret"), demand: { acceptedLoss: 30 } });
    expect(accepted.durability).toMatchObject({ because: "settings_unreadable", lossSeconds: 30 });
  });
});

describe("a ledger on Redis: TLS", () => {
  it("speaks TLS with a CA of its own", async () => {
    const { port } = await start();
    const { ca } = certificates;
    const ledger = await open(`rediss://127.0.0.1:${port}`, { access: { ...noAccess, tls: { ca: await read(ca) } } });
    expect((await ledger.openTask(builders.openTask())).kind).toBe("ok");
  });

  it("refuses a certificate of a CA that it does not know", async () => {
    const { port } = await start();
    const fault = await refusal(`rediss://127.0.0.1:${port}`, { access: { ...noAccess, tls: { ca: null } } });
    expect(fault).toMatchObject({ reason: "tls", fix: expect.stringContaining("?ca=") });
  });

  it("refuses TLS where the server speaks none, and none where it speaks TLS", async () => {
    const tls = { access: { ...noAccess, tls: { ca: await read(certificates.ca) } } };
    expect(["tls", "unreachable"]).toContain((await refusal(`rediss://127.0.0.1:${plain.port}`, tls)).reason);
    expect((await refusal(`redis://127.0.0.1:${(await start()).port}`)).reason).toBe("unreachable");
  });

  async function start(): Promise<RedisServer> {
    const started = await startTlsRedis(certificates);
    servers.push(started);
    return started;
  }
  const read = async (file: string): Promise<string> => (await import("node:fs/promises")).readFile(file, "utf8");
});

describe("a ledger on Redis: whose store", () => {
  const meta = "mayfly{s00}:meta";

  it.each([
    ["a text", ["set", meta, "shopping"], "foreign"],
    ["a hash of something else", ["hset", meta, "name", "shopping"], "foreign"],
    ["a newer format", ["hset", meta, "v", String(storedFormat + 1), "shards", "64"], "newer_format"],
  ])("refuses %s under the prefix, and leaves it as it was", async (_, command, reason) => {
    const url = await server();
    const port = Number(new URL(url).port);
    redisCli(port, ...command);
    const before = redisCli(port, "dump", meta);
    expect((await refusal(url)).reason).toBe(reason);
    expect(redisCli(port, "dump", meta)).toBe(before);
    expect(redisCli(port, "dbsize").trim()).toBe("1");
    await open(`${url}?prefix=other`);
  });

  it("keeps the number of shards that the store was made with", async () => {
    expect((await open(at("prefix=eight&shards=8"))).shards).toBe(8);
    expect((await open(at("prefix=eight"))).shards).toBe(8);
    const fault = await refusal(at("prefix=eight&shards=16"));
    expect(fault).toMatchObject({
      reason: "other_shards",
      message: expect.stringMatching(/made with 8 shards, not 16/),
    });
  });
});

describe("a ledger on Redis: what could be lost", () => {
  it.each([
    ["appendonly no", [], null, /all that was answered/],
    ["appendfsync everysec", ["--appendonly", "yes", "--appendfsync", "everysec"], 2, /last 2 s/],
    ["appendfsync no", ["--appendonly", "yes", "--appendfsync", "no"], 30, /last 30 s/],
  ])("production refuses %s unless the loss is accepted", async (_, args, loss, words) => {
    const url = await server(...args);
    const fault = await refusal(url, production);
    expect(fault).toMatchObject({ reason: "weak", message: expect.stringMatching(words) });
    expect(fault.fix).toContain("--accept-loss");
    expect((await refusal(url, { demand: { acceptedLoss: 1 } })).reason).toBe("weak");
    const accepted = await open(url, { demand: { acceptedLoss: loss ?? "all" } });
    expect(accepted.durability.lossSeconds).toBe(loss);
    await open(url);
  });

  it("production accepts every write on the disk", async () => {
    const ledger = await open(await server(...appendAlways), production);
    expect(ledger.durability).toEqual({ kind: "every_write", lossSeconds: 0, isReplicated: false });
  });
});
