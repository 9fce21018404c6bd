/**
 * What the engine uses of a Durable Object's storage. Writes made in one turn of the event loop, an alarm among them,
 * reach the disk together or not at all, and no answer or request leaves the object before they have (its output gate):
 * so a verb that returned is durable for whoever hears of it.
 */
import type { DurableObjectStorage } from "@cloudflare/workers-types";

export type ObjectStorage = Pick<DurableObjectStorage, "transactionSync" | "getAlarm" | "setAlarm"> & {
  readonly sql: Pick<DurableObjectStorage["sql"], "exec" | "databaseSize">;
};
