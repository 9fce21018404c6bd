/** What a kill does to sessions, possessions and grants; what a broken path to the server leaves behind. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { postgresProviderType } from "../../../providers/postgres/index.ts";
import type { Json, JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { Result } from "../../../src/kernel/result.ts";
import { addMillis } from "../../../src/kernel/time.ts";
import type { Found, ListPage, MintRequest, Provider } from "../../../src/ports/provider.ts";
import { createActor, dying, type Actor } from "../../kit/provider/actor.ts";
import { createBuilders } from "../../support/builders.ts";
import { realClock } from "../../support/real-clock.ts";
import { createProvider, createTestTools, type TestTools } from "../../support/provider-tools.ts";
import {
  brokerLogin,
  logIn,
  loginOf,
  prepareLedgerDatabase,
  type PreparedDatabase,
} from "../../support/postgres-database.ts";
import { startTcpFaultProxy, type TcpFaultProxy } from "../../support/tcp-fault-proxy.ts";

let database: PreparedDatabase;
let proxy: TcpFaultProxy;
let tools: TestTools;
const providers: Provider[] = [];

beforeAll(async () => {
  database = await prepareLedgerDatabase();
  proxy = await startTcpFaultProxy(database.server);
  const login = `${brokerLogin.user}:${encodeURIComponent(brokerLogin.password)}`;
  const url = `postgres://${login}@127.0.0.1:${proxy.port}/ledger?sslmode=disable`;
  tools = await createTestTools({ secrets: { LEDGER_DB_URL: url } });
});
afterEach(() => proxy.heal());
afterAll(async () => {
  await Promise.all(providers.map((provider) => provider.close()));
  await Promise.all([tools.close(), proxy.close()]);
  await database.close();
});

interface Wish {
  readonly options?: JsonObject;
  readonly roles?: readonly string[];
  readonly parameters?: Readonly<Record<string, Json>>;
}

async function providerWith(options: JsonObject): Promise<Provider> {
  const provider = await createProvider(postgresProviderType, { url: { env: "LEDGER_DB_URL" }, ...options }, tools);
  providers.push(provider);
  return provider;
}

function requestFor(provider: Provider): MintRequest<unknown> {
  const { ids } = createBuilders({ clock: realClock });
  const scope = provider.parseScope({ roles: ["ledger_emea_ro"] });
  const filled = scope.ok ? scope.value.fill({}) : scope;
  if (!filled.ok) throw new Error(filled.fault.message);
  const plan = { leaseId: ids.lease(), taskId: ids.task(), scope: filled.value };
  const now = realClock.now();
  const { handle } = provider.plan(plan);
  const { signal } = new AbortController();
  return { ...plan, handle, agent: "bot", subject: "bot", expiresAt: addMillis(now, 60_000), now, signal };
}

async function actorFor({ options = {}, roles = ["ledger_emea_ro"], parameters = {} }: Wish = {}): Promise<Actor> {
  const provider = await providerWith(options);
  return createActor({ provider, scope: { roles }, parameters });
}

const rolesLeft = async (): Promise<number> =>
  (await database.admin("SELECT FROM pg_roles WHERE rolname LIKE 'jit\\_%'")).length;

describe("postgres: what a kill ends", () => {
  it("an open session, in its database and in another one; and then no login any more", async () => {
    const actor = await actorFor();
    const minted = await actor.mintAlive();
    const login = loginOf(minted.credential);
    const [here, there] = [await logIn(database.server, login), await logIn(database.server, login, "archive")];
    expect(await here?.ask("SELECT amount FROM emea")).toBe("done");
    expect(await here?.ask("SELECT amount FROM apac")).toBe("refused");
    expect(await there?.ask("SELECT amount FROM emea")).toBe("done");
    expect((await actor.revoke(minted)).kind).toBe("dead-verified");
    expect(await here?.ask("SELECT 1")).toBe("ended");
    expect(await there?.ask("SELECT 1")).toBe("ended");
    expect(await logIn(database.server, login)).toBeNull();
  });

  it("a session in the middle of a statement", async () => {
    const actor = await actorFor();
    const minted = await actor.mintAlive();
    const session = await logIn(database.server, loginOf(minted.credential));
    const running = session?.ask("SELECT pg_sleep(600)");
    expect((await actor.revoke(minted)).kind).toBe("dead-verified");
    expect(await running).toBe("ended");
  });

  it("keeps what the agent made, for the role that is named, in each database", async () => {
    const actor = await actorFor({ options: { reassignOwnedTo: "ledger_owner" }, roles: ["ledger_maker"] });
    const minted = await actor.mintAlive();
    for (const name of ["ledger", "archive"]) {
      const session = await logIn(database.server, loginOf(minted.credential), name);
      expect(await session?.ask("CREATE TABLE workshop.made AS SELECT 1 AS x")).toBe("done");
      await session?.close();
    }
    expect((await actor.revoke(minted)).kind).toBe("dead-verified");
    for (const name of ["ledger", "archive"]) {
      const [row] = await database.admin("SELECT tableowner FROM pg_tables WHERE tablename = 'made'", name);
      expect(row).toEqual({ tableowner: "ledger_owner" });
      await database.admin("DROP TABLE workshop.made", name);
    }
  });

  it("never drops what the agent made: the role is locked, and a person is asked", async () => {
    const actor = await actorFor({ roles: ["ledger_maker"] });
    const minted = await actor.mintAlive();
    const login = loginOf(minted.credential);
    const session = await logIn(database.server, login);
    expect(await session?.ask("CREATE TABLE workshop.kept AS SELECT 1 AS x")).toBe("done");
    expect(await actor.revoke(minted)).toMatchObject({ kind: "refused", reason: "owns_objects" });
    expect(await session?.ask("SELECT 1")).toBe("ended");
    expect(await logIn(database.server, login)).toBeNull();
    expect(await actor.probe(minted)).toEqual({ kind: "dead" });
    // The person's part, as the fix says.
    await database.admin(`REASSIGN OWNED BY "${login.username}" TO ledger_owner`);
    expect((await actor.revoke(minted)).kind).toBe("dead-verified");
    await database.admin("DROP TABLE workshop.kept");
  });

  it("new logins by itself once the lease is over, and an open session only by the kill", async () => {
    const actor = await actorFor();
    const minted = await actor.mintAlive();
    const login = loginOf(minted.credential);
    const session = await logIn(database.server, login);
    await database.admin(`ALTER ROLE "${login.username}" VALID UNTIL 'yesterday'`);
    expect(await logIn(database.server, login)).toBeNull();
    expect(await actor.probe(minted)).toEqual({ kind: "alive" });
    expect(await session?.ask("SELECT amount FROM emea")).toBe("done");
    expect((await actor.revoke(minted)).kind).toBe("dead-verified");
    expect(await session?.ask("SELECT 1")).toBe("ended");
  });
});

describe("postgres: what a mint asks for", () => {
  it("tells the server no password, neither the agent's nor its own", async () => {
    const actor = await actorFor();
    const { password, username } = loginOf((await actor.mintAlive()).credential);
    expect(proxy.seen(username)).toBeGreaterThan(0);
    expect(proxy.seen(password)).toBe(0);
    expect(proxy.seen(brokerLogin.password)).toBe(0);
  });

  it.each([
    ["a role that is not there", "nobody_made_this", "CREATE ROLE unrelated_1", "role_missing"],
    ["a superuser", "boss", "CREATE ROLE boss SUPERUSER", "role_too_powerful"],
    [
      "a member of one that may make roles",
      "helper",
      "CREATE ROLE maker_of_roles CREATEROLE; CREATE ROLE helper IN ROLE maker_of_roles",
      "role_too_powerful",
    ],
    ["one that runs programs", "runner", "CREATE ROLE runner IN ROLE pg_execute_server_program", "role_too_powerful"],
  ])("refuses %s, and leaves nothing", async (_, role, sql, reason) => {
    await database.admin(sql);
    const before = await rolesLeft();
    const { outcome } = await (await actorFor({ roles: [role] })).mint();
    expect(outcome).toEqual({ kind: "rejected", reason, retryable: false });
    expect(await rolesLeft()).toBe(before);
  });

  it("a group role that the broker has no ADMIN OPTION on: the server's refusal, which begins with release 16", async () => {
    await database.admin(`CREATE ROLE not_ours; GRANT not_ours TO ${brokerLogin.user}`);
    const [server] = await database.admin("SELECT current_setting('server_version_num')::int AS version");
    const before = await rolesLeft();
    const { outcome } = await (await actorFor({ roles: ["not_ours"] })).mint();
    const isRefused = Number(server?.["version"]) >= 16_00_00;
    expect(outcome).toMatchObject(
      isRefused ? { kind: "rejected", reason: "permission_denied", retryable: false } : { kind: "minted" },
    );
    expect(await rolesLeft()).toBe(isRefused ? before : before + 1);
  });

  it("bounds the role, and says whose it is", async () => {
    const { lease, credential } = await (await actorFor()).mintAlive();
    const [row] = await database.admin(
      `SELECT rolvaliduntil AS until, rolconnlimit AS connections, shobj_description(oid, 'pg_authid') AS about
       FROM pg_roles WHERE rolname = '${loginOf(credential).username}'`,
    );
    expect(row).toMatchObject({ until: new Date(lease.expiresAt), connections: 5 });
    expect(JSON.parse(String(row?.["about"]))).toEqual({
      broker: `${tools.issuerUrl} ${tools.name}`,
      created_at: new Date(lease.createdAt).toISOString(),
      lease: lease.id,
      task: lease.taskId,
    });
  });

  it("a second mint of one lease: unknown, so that both die by the name", async () => {
    const provider = await providerWith({});
    const request = requestFor(provider);
    expect((await provider.mint(request)).kind).toBe("minted");
    expect(await provider.mint(request)).toEqual({ kind: "unknown", reason: "role_exists" });
  });

  it("quotes a group role whose name is a statement", async () => {
    const hostile = 'x"; DROP TABLE emea; --';
    await database.admin(`CREATE ROLE "x""; DROP TABLE emea; --"; GRANT ledger_emea_ro TO "x""; DROP TABLE emea; --";
      GRANT "x""; DROP TABLE emea; --" TO ${brokerLogin.user} WITH ADMIN OPTION`);
    const actor = await actorFor({ roles: [hostile] });
    const minted = await actor.mintAlive();
    const session = await logIn(database.server, loginOf(minted.credential));
    expect(await session?.ask("SELECT amount FROM emea")).toBe("done");
    expect((await actor.revoke(minted)).kind).toBe("dead-verified");
  });
});

describe("postgres: what lives there", () => {
  const { signal } = new AbortController();

  it("lists its own roles page by page, and leaves those of another ledger alone", async () => {
    const actor = await actorFor();
    const minted = [await actor.mintAlive(), await actor.mintAlive()];
    const mark = "otherledge";
    const others = await createProvider(
      postgresProviderType,
      { url: { env: "LEDGER_DB_URL" } },
      { ...tools, ledger: { ...tools.ledger, mark } },
    );
    providers.push(others);
    expect((await others.mint(requestFor(others))).kind).toBe("minted");
    const provider = await providerWith({});
    const found: Found[] = [];
    let after: string | null = null;
    do {
      const page: Result<ListPage, string> | undefined = await provider.list?.({ after, limit: 1, signal });
      if (page?.ok !== true) throw new Error("no page");
      found.push(...page.value.found);
      after = page.value.next;
    } while (after !== null);
    const times = minted.map(({ lease }) => [lease.id, lease.createdAt]);
    expect(found.map(({ leaseId, createdAt }) => [leaseId, createdAt])).toEqual(expect.arrayContaining(times));
    expect(found.some(({ name }) => name.includes(mark))).toBe(false);
    const [stray] = found;
    if (stray === undefined) throw new Error("nothing was found");
    const request = { found: stray, now: realClock.now(), signal };
    expect(await provider.revokeStray?.(request)).toEqual({ kind: "dead-unverified" });
    expect(await provider.revokeStray?.(request)).toEqual({ kind: "already-gone" });
  });

  it("says so where the server does not answer", async () => {
    const provider = await providerWith({});
    proxy.cutOff();
    expect(await provider.list?.({ after: null, limit: 10, signal })).toEqual({ ok: false, fault: "unreachable" });
  });
});

describe("postgres: check", () => {
  const never = new AbortController().signal;
  const broker = brokerLogin.user;

  it.each<[string, JsonObject, take: string, give: string, reason: string]>([
    [
      "no right to make roles",
      {},
      `ALTER ROLE ${broker} NOCREATEROLE`,
      `ALTER ROLE ${broker} CREATEROLE`,
      "the broker's role may not make roles: ALTER ROLE it with CREATEROLE",
    ],
    [
      "nobody who may own",
      { reassignOwnedTo: "ledger_owner" },
      `REVOKE ledger_owner FROM ${broker}`,
      `GRANT ledger_owner TO ${broker}`,
      "the broker's role is no member of ledger_owner, to which reassignOwnedTo gives: GRANT it",
    ],
  ])("finds %s", async (_, options, take, give, reason) => {
    const provider = await providerWith(options);
    expect((await provider.check(never)).ok).toBe(true);
    await database.admin(take);
    expect(await provider.check(never)).toEqual({ ok: false, fault: reason });
    await database.admin(give);
  });

  it("never speaks in clear to a server that was to be verified", async () => {
    const [address] = [`postgres://${broker}:x@127.0.0.1:${proxy.port}/ledger`];
    const strict = await createTestTools({ secrets: { LEDGER_DB_URL: address } });
    const provider = await createProvider(postgresProviderType, { url: { env: "LEDGER_DB_URL" } }, strict);
    const before = proxy.seen(broker);
    expect(await provider.check(never)).toMatchObject({ fault: expect.stringContaining("the server speaks no TLS") });
    expect(proxy.seen(broker)).toBe(before);
    await Promise.all([provider.close(), strict.close()]);
  });

  it.each([
    ["a password that it does not have", "another", "ledger", "the server refuses the broker's login"],
    ["a database that it does not have", brokerLogin.password, "no_ledger", "the server has no database"],
  ])("tells %s from a server that does not answer", async (_, password, name, words) => {
    const address = `postgres://${broker}:${encodeURIComponent(password)}@127.0.0.1:${proxy.port}/${name}?sslmode=disable`;
    const wrong = await createTestTools({ secrets: { LEDGER_DB_URL: address } });
    const provider = await createProvider(postgresProviderType, { url: { env: "LEDGER_DB_URL" } }, wrong);
    expect(await provider.check(never)).toMatchObject({ fault: expect.stringContaining(words) });
    proxy.cutOff();
    expect(await provider.check(never)).toMatchObject({ fault: expect.stringContaining("does not answer") });
    await Promise.all([provider.close(), wrong.close()]);
  });
});

describe("postgres: a path that breaks", () => {
  const create = "CREATE ROLE";

  it.each([
    ["reset before the server saw it", "reset_before", "already-gone"],
    ["answer lost after the server acted", "reset_after", "dead-unverified"],
  ] as const)("mint, %s: unknown, and killed by its name", async (_, fault, verdict) => {
    const actor = await actorFor();
    proxy.breakAt(create, fault);
    const before = proxy.seen(create);
    const { intent, outcome } = await actor.mint();
    expect(outcome).toEqual({ kind: "unknown", reason: "answer_lost" });
    expect(proxy.seen(create)).toBe(before + 1);
    proxy.heal();
    expect((await actor.revoke({ lease: dying(intent), secret: null })).kind).toBe(verdict);
    expect((await actor.revoke({ lease: dying(intent), secret: null })).kind).toBe("already-gone");
  });

  it("mint, slow: given up by the core, unknown", async () => {
    const actor = await actorFor();
    proxy.breakAt(create, "hang");
    const abort = new AbortController();
    const arrival = proxy.arrival(create);
    const minting = actor.mint({ signal: abort.signal });
    await arrival;
    abort.abort();
    const { intent, outcome } = await minting;
    expect(outcome).toEqual({ kind: "unknown", reason: "answer_lost" });
    proxy.heal();
    expect((await actor.revoke({ lease: dying(intent), secret: null })).kind).toBe("already-gone");
  });

  it("mint, given up before it was sent: sends nothing", async () => {
    const actor = await actorFor();
    const before = proxy.seen(create);
    expect((await actor.mint({ signal: AbortSignal.abort() })).outcome).toMatchObject({ kind: "rejected" });
    expect(proxy.seen(create)).toBe(before);
  });

  it("server out of reach: no mint, the kill is tried again, and then works", async () => {
    const actor = await actorFor();
    const minted = await actor.mintAlive();
    proxy.cutOff();
    expect((await actor.mint()).outcome).toEqual({ kind: "rejected", reason: "unreachable", retryable: true });
    expect(await actor.revoke(minted)).toEqual({ kind: "retry", reason: "unreachable" });
    expect(await actor.probe(minted)).toEqual({ kind: "unclear", reason: "unreachable" });
    proxy.heal();
    expect((await actor.revoke(minted)).kind).toBe("dead-verified");
  });

  it.each(["ALTER ROLE", "pg_terminate_backend", "pg_shdepend", "DROP ROLE"])(
    "kill, answer to %s lost: retried, and the second one ends it",
    async (step) => {
      const actor = await actorFor();
      const minted = await actor.mintAlive();
      proxy.breakAt(step, "reset_after");
      expect(await actor.revoke(minted)).toEqual({ kind: "retry", reason: "answer_lost" });
      proxy.heal();
      expect((await actor.revoke(minted)).kind).toBe("dead-verified");
      expect(await logIn(database.server, loginOf(minted.credential))).toBeNull();
    },
  );

  it.each([
    ["its right to make roles", "NOCREATEROLE", "CREATEROLE", "permission_denied"],
    ["its login", "PASSWORD 'another'", `PASSWORD '${brokerLogin.password}'`, "login_refused"],
  ])(
    "the broker loses %s: nothing is minted, kills need a person, and go on afterwards",
    async (_, take, give, reason) => {
      const actor = await actorFor();
      const minted = await actor.mintAlive();
      await database.admin(`ALTER ROLE ${brokerLogin.user} ${take}`);
      // Sessions that are open keep their login.
      proxy.cutOff();
      proxy.heal();
      const { outcome } = await actor.mint();
      expect(outcome).toEqual({ kind: "rejected", reason, retryable: false });
      expect(await actor.revoke(minted)).toMatchObject({ kind: "refused", reason });
      await database.admin(`ALTER ROLE ${brokerLogin.user} ${give}`);
      expect((await actor.revoke(minted)).kind).toBe("dead-verified");
    },
  );
});
