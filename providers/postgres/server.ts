/** What minting, killing and listing share: one server, the broker's sessions there, and how its roles are called. */
import { canonicalJson, type JsonObject } from "../../src/kernel/canonical-json.ts";
import type { LeaseId, TaskId } from "../../src/kernel/ids.ts";
import { toRfc3339, type EpochMillis } from "../../src/kernel/time.ts";
import type { Database } from "./database.ts";
import type { Address, PostgresOptions } from "./options.ts";

export interface Server {
  readonly options: PostgresOptions;
  readonly address: Address;
  readonly database: Database;
  /** Of the ledger whose leases these roles are: those with another one are somebody else's. */
  readonly mark: string;
  /** Who made a role, for people who find it at the server. */
  readonly broker: string;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** What all names of this ledger's roles begin with. */
export const ourPrefix = ({ options, mark }: Server): string => `${options.rolePrefix}${mark}_`;

const leasePrefix = "lea_";
export const roleOf = (server: Server, leaseId: LeaseId): string =>
  ourPrefix(server) + leaseId.slice(leasePrefix.length);
/** A text that would be the lease's id, if this is a role of ours. */
export const leaseTextOf = (server: Server, role: string): string => leasePrefix + role.slice(ourPrefix(server).length);

/** The comment on a role. */
export const aboutRole = (
  { broker }: Server,
  { leaseId, taskId, now }: { readonly leaseId: LeaseId; readonly taskId: TaskId; readonly now: EpochMillis },
): string => canonicalJson({ broker, created_at: toRfc3339(now), lease: leaseId, task: taskId });

/** The role that a handle names; null for what this provider never wrote. */
export const roleIn = (handle: JsonObject): string | null => {
  const role = handle["role"];
  return typeof role === "string" ? role : null;
};
