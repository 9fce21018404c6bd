/** What minting and killing share: one server, the broker's sessions there, and what its roles are told by. */
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { Address, PostgresOptions } from "./options.ts";
import type { Database } from "./database.ts";

export interface Server {
  readonly options: PostgresOptions;
  readonly address: Address;
  readonly database: Database;
  /** Written on every role: roles of another broker or another provider are not ours. */
  readonly broker: string;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** The role that a handle names; null for what this provider never wrote. */
export const roleIn = (handle: JsonObject): string | null => {
  const role = handle["role"];
  return typeof role === "string" ? role : null;
};
