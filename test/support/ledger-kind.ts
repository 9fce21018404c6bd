/**
 * What the flows and crash runs put the ledger on: MAYFLY_TEST_LEDGER=redis for a real Redis server, =durable-object for
 * Durable Objects in the Workers runtime, =redis-gateway for a Redis that Workers and nodes share, else SQLite.
 */
import { env } from "node:process";

const kinds = ["redis", "durable-object", "redis-gateway"] as const;
export const ledgerKind = kinds.find((kind) => kind === env["MAYFLY_TEST_LEDGER"]) ?? "sqlite";
export const isOnWorkers = ledgerKind === "durable-object";
export const isOnGateway = ledgerKind === "redis-gateway";
export const isOnSqlite = ledgerKind === "sqlite";
