/**
 * A database as an operator prepares it for the broker: the broker's role, group roles that templates name, and tables
 * behind them. Credentials are used here by logging in with them, beside the provider and beside any proxy.
 */
import { Client } from "pg";
import { startPostgres, type PostgresServer, type PostgresWish } from "../../scripts/servers/postgres.ts";
import type { Credential } from "../../src/ports/provider.ts";

export const brokerLogin = { user: "mayfly_broker", password: "canary-broker-p%40ss/word" };

export interface PreparedDatabase {
  readonly server: PostgresServer;
  /** As the superuser, in the database `ledger` unless told otherwise. */
  admin(sql: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

const prepare = [
  `CREATE ROLE ${brokerLogin.user} LOGIN CREATEROLE PASSWORD '${brokerLogin.password}'`,
  "CREATE ROLE ledger_emea_ro",
  "CREATE ROLE ledger_apac_ro",
  "CREATE ROLE ledger_maker",
  "CREATE ROLE ledger_owner",
  `GRANT ledger_emea_ro, ledger_apac_ro, ledger_maker TO ${brokerLogin.user} WITH ADMIN OPTION`,
  `GRANT ledger_owner TO ${brokerLogin.user}`,
];
const prepareDatabase = [
  "CREATE TABLE emea (amount int)",
  "CREATE TABLE apac (amount int)",
  "INSERT INTO emea VALUES (7)",
  "GRANT SELECT ON emea TO ledger_emea_ro",
  "GRANT SELECT ON apac TO ledger_apac_ro",
  "CREATE SCHEMA workshop",
  "GRANT USAGE, CREATE ON SCHEMA workshop TO ledger_maker, ledger_owner",
];

export async function prepareLedgerDatabase(wish: PostgresWish = {}): Promise<PreparedDatabase> {
  const server = await startPostgres(wish);
  const admin: PreparedDatabase["admin"] = (sql, database = "ledger") => runSql(server.url({ database }), sql);
  try {
    for (const sql of prepare) await admin(sql, "postgres");
    for (const database of ["ledger", "archive"]) {
      await admin(`CREATE DATABASE ${database}`, "postgres");
      for (const sql of prepareDatabase) await admin(sql, database);
    }
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { server, admin, close: () => server.stop() };
}

async function runSql(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

export function loginOf(credential: Credential): Login {
  if (credential.kind !== "structured") throw new Error("a database login is a structured credential");
  const { username, password } = credential.value.reveal();
  if (typeof username !== "string" || typeof password !== "string") throw new Error("not a login");
  return { username, password };
}

/** A session of an agent, open until it is closed or ended by the server. */
export interface AgentSession {
  ask(sql: string): Promise<"done" | "refused" | "ended">;
  close(): Promise<void>;
}

/** Null where the server does not let it in. */
export async function logIn(server: PostgresServer, login: Login, database = "ledger"): Promise<AgentSession | null> {
  const client = new Client({
    host: server.host,
    port: server.port,
    user: login.username,
    password: login.password,
    database,
  });
  let isEnded = false;
  client.on("error", () => {
    isEnded = true;
  });
  try {
    await client.connect();
  } catch {
    return null;
  }
  return {
    async ask(sql) {
      try {
        await client.query(sql);
        return "done";
      } catch {
        // After an ordinary refusal the session goes on.
        return isEnded ||
          !(await client.query("SELECT 1").then(
            () => true,
            () => false,
          ))
          ? "ended"
          : "refused";
      }
    },
    close: () => client.end().catch(() => undefined),
  };
}
