/** TLS to a real PostgreSQL with a real certificate: whom the broker believes, and what a credential is worth meanwhile. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { postgresProviderType } from "../../../providers/postgres/index.ts";
import type { Provider } from "../../../src/ports/provider.ts";
import { createActor, type Actor } from "../../kit/provider/actor.ts";
import { makeCertificates, type Certificates } from "../../support/certificates.ts";
import {
  brokerLogin,
  logIn,
  loginOf,
  prepareLedgerDatabase,
  type PreparedDatabase,
} from "../../support/postgres-database.ts";
import { createProvider, createTestTools } from "../../support/provider-tools.ts";

const folder = mkdtempSync(join(tmpdir(), "mayfly-postgres-tls-"));
const made = (name: string): Certificates => {
  const inside = join(folder, name);
  mkdirSync(inside);
  return makeCertificates(inside);
};

let right: Certificates;
let another: Certificates;
let database: PreparedDatabase;
let cleanups: (() => Promise<void>)[] = [];
beforeAll(async () => {
  [right, another] = [made("right"), made("another")];
  database = await prepareLedgerDatabase({ tls: right });
});
afterEach(async () => {
  await Promise.all(cleanups.map((cleanup) => cleanup()));
  cleanups = [];
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

async function providerFor(ca: Certificates | null, { host = "127.0.0.1", mode = "?sslmode=verify-full" } = {}) {
  const login = `${brokerLogin.user}:${encodeURIComponent(brokerLogin.password)}`;
  const url = `postgres://${login}@${host}:${database.server.port}/ledger${mode}`;
  const authority = ca === null ? {} : { LEDGER_DB_CA: readFileSync(ca.ca, "utf8") };
  const tools = await createTestTools({ secrets: { LEDGER_DB_URL: url, ...authority } });
  const options = { url: { env: "LEDGER_DB_URL" }, ...(ca === null ? {} : { ca: { env: "LEDGER_DB_CA" } }) };
  const provider = await createProvider(postgresProviderType, options, tools);
  cleanups.push(
    () => provider.close(),
    () => tools.close(),
  );
  return provider;
}

const actorOf = (provider: Provider): Actor =>
  createActor({ provider, scope: { roles: ["ledger_emea_ro"] }, parameters: {} });
const check = (provider: Provider) => provider.check(new AbortController().signal);

describe("postgres: TLS", () => {
  it.each(["?sslmode=verify-full", ""])(
    "believes the authority that it was told (%s), and speaks in cipher",
    async (mode) => {
      const provider = await providerFor(right, { mode });
      expect(await check(provider)).toEqual({ ok: true, value: undefined });
      const sessions = await database.admin(
        "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'mayfly'",
      );
      expect(sessions).toEqual([{ ssl: true }]);
      const actor = actorOf(provider);
      const minted = await actor.mintAlive();
      const session = await logIn(database.server, loginOf(minted.credential));
      expect(await session?.ask("SELECT amount FROM emea")).toBe("done");
      expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
      expect(await session?.ask("SELECT amount FROM emea")).toBe("ended");
      await session?.close();
    },
  );

  it.each([
    { name: "another authority", ca: () => another, host: "127.0.0.1" },
    { name: "the system's authorities", ca: () => null, host: "127.0.0.1" },
    { name: "the right one for another host", ca: () => right, host: "localhost" },
  ])("refuses what stands only on $name, and goes no further", async ({ ca, host }) => {
    const provider = await providerFor(ca(), { host });
    expect(await check(provider)).toMatchObject({ ok: false, fault: /certificate is not trusted: set ca/ });
    const { outcome } = await actorOf(provider).mint();
    expect(outcome).toEqual({ kind: "rejected", reason: "certificate_refused", retryable: false });
    const minted = await actorOf(await providerFor(right)).mintAlive();
    expect(await actorOf(provider).revoke(minted)).toEqual({ kind: "retry", reason: "certificate_refused" });
    const session = await logIn(database.server, loginOf(minted.credential));
    expect(await session?.ask("SELECT amount FROM emea")).toBe("done");
    await session?.close();
  });
});
