/** What the flows and crash runs put the ledger on: MAYFLY_TEST_LEDGER=redis for a real Redis server, else SQLite. */
import { env } from "node:process";

export const ledgerKind = env["MAYFLY_TEST_LEDGER"] === "redis" ? "redis" : "sqlite";
export const isOnSqlite = ledgerKind === "sqlite";
