/**
 * A restored ledger and a system that remembers more than it: until both were compared nothing is minted there, what the
 * backup knew is killed, and a login that was made after the backup is found without a lease and ended.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import { millis } from "../../src/kernel/time.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { brokerLogin, logIn, prepareLedgerDatabase, type PreparedDatabase } from "../support/postgres-database.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { withSystem } from "../support/flow/real-provider.ts";
import { startRestorableLedger, type RestorableLedger } from "../support/flow/restorable-ledger.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let database: PreparedDatabase;
let world: FlowWorld;
let ledger: RestorableLedger;
beforeEach(async () => {
  database = await prepareLedgerDatabase();
  ledger = await startRestorableLedger();
  const system = {
    provider: { type: "postgres", url: { env: "FLOW_DATABASE_URL" } },
    template: { scope: { roles: ["ledger_emea_ro"] }, requires: { revocation: ["immediate"] } },
  };
  world = await startFlow({
    ledger,
    env: { FLOW_DATABASE_URL: `${database.server.url({ ...brokerLogin, database: "ledger" })}?sslmode=disable` },
    resources: ({ places }) => withSystem(system, places),
  });
}, 120_000);
afterEach(async () => {
  await world?.close();
  await database?.close();
});

interface Made {
  readonly username: string;
  readonly password: string;
  readonly lease: string;
}

const exchange = (task: string) => world.exchange({ task, template: "real" });
const openTask = (): Promise<string> => world.openTask({ templates: [{ template: "real" }] });

async function mint(task: string): Promise<Made> {
  const { status, body, text } = await exchange(task);
  if (status !== 200) throw new Error(`the exchange was answered ${status}: ${text}`);
  const { username, password } = body.credential ?? {};
  return { username: String(username), password: String(password), lease: String(body.lease_id) };
}

async function works(login: Made): Promise<boolean> {
  const session = await logIn(database.server, login);
  const read = await session?.ask("SELECT amount FROM emea");
  await session?.close();
  return read === "done";
}

/** Its maker's note on the role says when; a stray is left alone for ten minutes. */
const makeOld = (login: Made) =>
  database.admin(`
    DO $$ BEGIN EXECUTE format('COMMENT ON ROLE %I IS %L', '${login.username}', (
      SELECT jsonb_set(shobj_description(oid, 'pg_authid')::jsonb, '{created_at}', '"2020-01-01T00:00:00Z"')
      FROM pg_authid WHERE rolname = '${login.username}'));
    END $$`);

/** Another node is at the comparison, as far as anybody can tell. */
const compareLock = { name: "compare:real", holder: "another-node" };

async function onLedger(run: (opened: Ledger) => Promise<unknown>): Promise<void> {
  const opened = await ledger.open();
  await run(opened);
  await opened.close();
}

const compare = () => world.operate("POST", "/admin/providers/drift", { as: "killer", json: { provider: "real" } });
const shown = async () => {
  const { text } = await world.operate("GET", "/admin/providers", { as: "viewer" });
  const { providers } = JSON.parse(text) as { providers: readonly Record<string, unknown>[] };
  return providers.find(({ provider }) => provider === "real");
};

it("mints at a provider that can list only after what lives there was compared, and ends what no lease accounts for", async () => {
  const known = await openTask();
  const kept = await mint(known);
  await ledger.backUp();
  const stray = await mint(known);
  await makeOld(stray);
  expect([await works(kept), await works(stray)]).toEqual([true, true]);

  await world.restart(async () => {
    const restored = await ledger.restore();
    expect(restored).toMatchObject({ code: 0, stderr: expect.stringContaining("is generation 2 now") });
    await onLedger((opened) => opened.takeLock({ ...compareLock, hold: millis(600_000) }));
  });
  // A Redis that came back from the dead is doubted for a moment: nothing is opened on it.
  const next = await eventually("tasks are opened again", () => openTask().catch(() => undefined));
  const refused = await exchange(next);
  expect([refused.status, refused.body.error]).toEqual([503, "temporarily_unavailable"]);
  expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(await shown()).toMatchObject({ reachable: true, held: true });
  expect((await compare()).status).toBe(503);
  expect(await works(stray)).toBe(true);

  await world.restart(() => onLedger((opened) => opened.releaseLock(compareLock)));
  await eventuallyTrue("it was compared", async () => (await shown())?.["held"] === false);
  await eventuallyTrue("what the backup knew is dead", async () => !(await works(kept)));
  expect(await works(stray)).toBe(false);
  const strays = (await world.audit()).filter(({ type }) => type === "stray.revoked");
  expect(strays.map(({ data }) => data)).toEqual([
    { lease: stray.lease, name: stray.username, provider: "real", verdict: expect.stringMatching(/^dead-/) },
  ]);
  expect(await works(await mint(next))).toBe(true);
});
