/**
 * What a lease of this provider remembers, and no secret: an accessor names a token and cannot be used as one. The
 * planned part is known before mint; `accessor`, `serverLease` and `wrapping` are told by the server.
 */
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { epochMillis, toRfc3339, type EpochMillis } from "../../src/kernel/time.ts";
import type { VaultScope } from "./scope.ts";

export interface VaultHandle {
  /** The path that a credential was, or may have been, read from; null where the task's token is the credential. */
  readonly path: string | null;
  readonly revocation: "immediate" | "expiry-only";
  /** Of the task's token. */
  readonly accessor: string | null;
  /** The server's own id of what was read at `path`. */
  readonly serverLease: string | null;
  /** Accessor of the token that only unwraps. */
  readonly wrapping: string | null;
  /** When the server has surely finished a read of `path` whose answer was lost; null where that is not known. */
  readonly readOverAt: EpochMillis | null;
}

export const plannedHandle = ({ source, revocation }: VaultScope): VaultHandle => ({
  path: source.kind === "leased" ? source.path : null,
  revocation,
  accessor: null,
  serverLease: null,
  wrapping: null,
  readOverAt: null,
});

const names = {
  path: "path",
  revocation: "revocation",
  accessor: "accessor",
  serverLease: "lease_id",
  wrapping: "wrapping_accessor",
  readOverAt: "read_over_at",
};

/** What is not known is left out: a planned handle is a part of the minted one. */
export function handleJson(handle: VaultHandle): JsonObject {
  const members: Record<string, string> = { revocation: handle.revocation };
  for (const name of ["path", "accessor", "serverLease", "wrapping"] as const) {
    const value = handle[name];
    if (value !== null) members[names[name]] = value;
  }
  if (handle.readOverAt !== null) members[names.readOverAt] = toRfc3339(handle.readOverAt);
  return members;
}

export function readHandle(json: JsonObject): VaultHandle {
  const text = (name: keyof typeof names): string | null => {
    const value = json[names[name]];
    return typeof value === "string" && value !== "" ? value : null;
  };
  const readOverAt = Date.parse(text("readOverAt") ?? "");
  return {
    path: text("path"),
    revocation: json["revocation"] === "expiry-only" ? "expiry-only" : "immediate",
    accessor: text("accessor"),
    serverLease: text("serverLease"),
    wrapping: text("wrapping"),
    readOverAt: Number.isNaN(readOverAt) ? null : epochMillis(readOverAt),
  };
}
