/**
 * Prepared transactions outlive the session that made them, and nobody's session is there to be ended: what a kill does
 * with an agent that left one behind.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { postgresProviderType } from "../../../providers/postgres/index.ts";
import type { Provider } from "../../../src/ports/provider.ts";
import { createActor, type Actor } from "../../kit/provider/actor.ts";
import {
  brokerLogin,
  logIn,
  loginOf,
  prepareLedgerDatabase,
  type PreparedDatabase,
} from "../../support/postgres-database.ts";
import { createProvider, createTestTools, type TestTools } from "../../support/provider-tools.ts";

let database: PreparedDatabase;
let tools: TestTools;
let provider: Provider;
beforeAll(async () => {
  database = await prepareLedgerDatabase({ settings: { max_prepared_transactions: "2" } });
  const url = `${database.server.url({ ...brokerLogin, database: "ledger" })}?sslmode=disable`;
  tools = await createTestTools({ secrets: { LEDGER_DB_URL: url } });
  const options = { url: { env: "LEDGER_DB_URL" }, reassignOwnedTo: "ledger_owner" };
  provider = await createProvider(postgresProviderType, options, tools);
});
afterEach(async () => {
  const left = await database.admin("SELECT gid FROM pg_prepared_xacts");
  for (const { gid } of left) await database.admin(`ROLLBACK PREPARED '${String(gid)}'`);
});
afterAll(async () => {
  await Promise.all([provider.close(), tools.close()]);
  await database.close();
});

const actorFor = (role: string): Actor => createActor({ provider, scope: { roles: [role] }, parameters: {} });
const rolesLeft = async (): Promise<number> =>
  (await database.admin("SELECT FROM pg_roles WHERE rolname LIKE 'jit\\_%'")).length;

async function mintAndPrepare(actor: Actor, statement: string) {
  const minted = await actor.mintAlive();
  const session = await logIn(database.server, loginOf(minted.credential));
  expect(await session?.ask("BEGIN")).toBe("done");
  expect(await session?.ask(statement)).toBe("done");
  expect(await session?.ask("PREPARE TRANSACTION 'left behind'")).toBe("done");
  await session?.close();
  return minted;
}

describe("postgres: a prepared transaction that an agent left behind", () => {
  it.each([
    { end: "ROLLBACK", tables: 0 },
    { end: "COMMIT", tables: 1 },
  ])("and that makes the role an owner: locked and retried, and done after $end PREPARED", async ({ end, tables }) => {
    const actor = actorFor("ledger_maker");
    const minted = await mintAndPrepare(actor, "CREATE TABLE workshop.prepared AS SELECT 1 AS x");
    expect(await actor.revoke(minted)).toEqual({ kind: "retry", reason: "lock_held", of: "lease" });
    expect([await logIn(database.server, loginOf(minted.credential)), await rolesLeft()]).toEqual([null, 1]);
    expect(await actor.probe(minted)).toEqual({ kind: "dead" });
    await database.admin(`${end} PREPARED 'left behind'`);
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
    expect(await rolesLeft()).toBe(0);
    const owners = await database.admin("SELECT tableowner FROM pg_tables WHERE tablename = 'prepared'");
    expect(owners).toEqual(Array.from({ length: tables }, () => ({ tableowner: "ledger_owner" })));
    await database.admin("DROP TABLE IF EXISTS workshop.prepared");
  });

  it("and that only read: the role goes, and nobody can end the transaction in its name", async () => {
    const actor = actorFor("ledger_emea_ro");
    const minted = await mintAndPrepare(actor, "SELECT amount FROM emea");
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
    expect(await rolesLeft()).toBe(0);
    expect(await database.admin("SELECT gid FROM pg_prepared_xacts")).toEqual([{ gid: "left behind" }]);
  });
});
