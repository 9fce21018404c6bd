/**
 * A leased read that outlives its mint, at a real server with a real database behind it: the server goes on with what
 * the broker gave up, and leases to a token that is dead by then. Nothing of it may be left, or be called dead too soon.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { addMillis, type EpochMillis } from "../../../src/kernel/time.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { dying, type Actor } from "../../kit/provider/actor.ts";
import { eventuallyTrue } from "../../support/flow/eventually.ts";
import { startBaoWithDatabase, type BaoWithDatabase } from "../../support/openbao-database.ts";
import { runSql } from "../../support/sql-login.ts";
import { startVault, type VaultUnderTest } from "../../support/vault-provider.ts";

const login = { policies: ["ledger-db"], path: "database/creds/ledger-emea", engine: "database" };
const readPath = "/v1/database/creds/ledger-emea";
const rolePath = "database/roles/ledger-emea";
const maxRequestSeconds = 20;

let servers: BaoWithDatabase;
let vault: VaultUnderTest;
let blind: VaultUnderTest;
beforeAll(async () => {
  servers = await startBaoWithDatabase();
  await sql("CREATE TABLE gate (passes int); INSERT INTO gate VALUES (0)");
  const role = (await servers.bao.must("GET", rolePath))["data"] as JsonObject & { creation_statements: string[] };
  const creation_statements = ["UPDATE gate SET passes = passes + 1;", ...role.creation_statements];
  await servers.bao.must("POST", rolePath, { ...role, creation_statements });
  vault = await startVault(servers.bao, { listing: true, maxRequestSeconds });
  blind = await startVault(servers.bao, { maxRequestSeconds });
});
afterAll(async () => {
  await Promise.all([vault.close(), blind.close()]);
  await servers.stop();
});

const sql = async (text: string): Promise<string> => (await runSql(servers.postgres, text)) ?? "";
const users = (): Promise<string> => sql("select count(*) from pg_roles where rolname like 'v-%'");
const leases = async (): Promise<number> => {
  const { body } = await servers.bao.ask("GET", "sys/leases/lookup/database/creds/ledger-emea/?list=1");
  return ((body["data"] as { keys?: readonly string[] } | undefined)?.keys ?? []).length;
};

/** The read stays at the database for as long as `work` takes, and then makes its login. */
async function whileReading(work: () => Promise<void>): Promise<void> {
  const holding = sql("BEGIN; LOCK TABLE gate IN EXCLUSIVE MODE; SELECT pg_sleep(60)");
  await eventuallyTrue("the gate is closed", async () => (await waiting("PgSleep")) === 1);
  try {
    await work();
  } finally {
    await sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    await holding;
  }
}
const waiting = async (event: "PgSleep" | "relation"): Promise<number> =>
  Number(await sql(`SELECT count(*) FROM pg_stat_activity WHERE wait_event = '${event}'`));

/** Given up by the core while the read is where `isThere` says; the way to the server stays open, as behind a balancer. */
async function mintGivenUp(actor: Actor, isThere: () => Promise<void>): Promise<{ lease: Lease; seen: Lease }> {
  const abort = new AbortController();
  const minting = actor.mint({ signal: abort.signal });
  await isThere();
  abort.abort();
  const { outcome, intent } = await minting;
  const handle = outcome.kind === "unknown" ? outcome.handle : undefined;
  if (handle === undefined) throw new Error(`nothing was learnt: ${JSON.stringify(outcome)}`);
  return { lease: dying(intent), seen: dying({ ...intent, handle }) };
}
const atTheDatabase = () => eventuallyTrue("the read waits at the gate", async () => (await waiting("relation")) === 1);

const untilOf = async (actor: Actor, lease: Lease): Promise<EpochMillis> => {
  const verdict = await actor.revoke({ lease, secret: null });
  if (verdict.kind !== "pending") throw new Error(`not pending: ${JSON.stringify(verdict)}`);
  return verdict.until;
};

describe("vault: a leased read that outlives its mint", () => {
  it.each([
    { name: "the broker knows its token", learnt: "seen" as const },
    { name: "the broker died meanwhile, and finds its token", learnt: "lease" as const },
  ])("$name: pending while it may land, and then its login is ended", async ({ learnt }) => {
    const actor = vault.actor(login);
    let lease: Lease | undefined;
    await whileReading(async () => {
      lease = (await mintGivenUp(actor, atTheDatabase))[learnt];
      await untilOf(actor, lease);
      expect(await users()).toBe("0");
    });
    if (lease === undefined) throw new Error("no mint");
    await eventuallyTrue("the login is made", async () => (await leases()) === 1);
    expect(await users()).toBe("1");
    const until = await untilOf(actor, lease);
    const latest = learnt === "seen" ? lease.createdAt : lease.mintAbortAt;
    expect(until - latest).toBeGreaterThanOrEqual(maxRequestSeconds * 1000);
    expect(await actor.revoke({ lease, secret: null }, { now: until })).toEqual({ kind: "dead-unverified" });
    expect([await users(), await leases()]).toEqual(["0", 0]);
  });

  it("without listing: its token waits too, so that the server itself ends the login with it", async () => {
    const actor = blind.actor(login);
    let lease: Lease | undefined;
    await whileReading(async () => {
      lease = (await mintGivenUp(actor, atTheDatabase)).seen;
      await untilOf(actor, lease);
    });
    if (lease === undefined) throw new Error("no mint");
    await eventuallyTrue("the login is made", async () => (await leases()) === 1);
    const now = addMillis(lease.mintAbortAt, maxRequestSeconds * 1000);
    expect(await actor.revoke({ lease, secret: null }, { now })).toMatchObject({ reason: "server_lease_not_known" });
    await eventuallyTrue("the server ended it", async () => (await users()) === "0");
  });

  it("one that arrives at the server after the kill makes nothing", async () => {
    const actor = vault.actor(login);
    const release = vault.proxy.hold(readPath);
    const { seen } = await mintGivenUp(actor, async () => void (await vault.proxy.arrival(readPath)));
    const until = await untilOf(actor, seen);
    expect(await actor.revoke({ lease: seen, secret: null }, { now: until })).toEqual({ kind: "dead-unverified" });
    const before = vault.proxy.answered.length;
    release();
    await eventuallyTrue("the server answers it", async () => vault.proxy.answered.length > before);
    expect(vault.proxy.answered.at(-1)).toEqual({ path: readPath, status: 403 });
    expect([await users(), await leases()]).toEqual(["0", 0]);
  });
});
