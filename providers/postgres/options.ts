/**
 * Options of the `postgres` provider. The connection URL is a secret as a whole, because the password is in it; what it
 * names beside the password (server, database, broker's role) tells which system a lease belongs to.
 */
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { seconds, type Seconds } from "../../src/kernel/time.ts";
import { readMembers } from "../shared/members.ts";
import { isIdentifier } from "./identifiers.ts";

export interface PostgresOptions {
  readonly url: JsonObject;
  /** PEM of the authority that signed the server's certificate; without it the system's own authorities count. */
  readonly ca: JsonObject | undefined;
  /** Begins the name of every role that this provider makes, and of nothing else there. */
  readonly rolePrefix: string;
  /** Gets what an agent created, when its role is dropped. Without it such a role is locked and waits for a person. */
  readonly reassignOwnedTo: string | null;
  readonly maxTtlSeconds: Seconds;
}

/** Where the server is and who the broker is there, apart from the password. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Redacted;
  readonly tls: boolean;
}

const defaultMaxTtlSeconds = 3600;
const longestTtlSeconds = 7 * 24 * 3600;
const defaultPort = 5432;

export function parsePostgresOptions(options: JsonObject): Result<PostgresOptions, ScopeFault> {
  const members = readMembers(options);
  const url =
    members.secretReference("url") ??
    members.refuse("url", "is postgres://USER:PASSWORD@HOST:PORT/DATABASE as { env: NAME } or { file: PATH }");
  const ca = members.secretReference("ca");
  const rolePrefix = members.text("rolePrefix") ?? "jit_";
  // With the ledger's mark and the lease's 21 digits it must stay within the 63 bytes of a name.
  if (!/^[a-z][a-z0-9_]{1,22}_$/.test(rolePrefix))
    members.refuse("rolePrefix", "must be 3 to 24 lower case letters, digits and _, and end with _");
  if (rolePrefix.startsWith("pg_")) members.refuse("rolePrefix", "must not begin with pg_, which is the server's own");
  const reassignOwnedTo = members.text("reassignOwnedTo") ?? null;
  if (reassignOwnedTo !== null && !isIdentifier(reassignOwnedTo))
    members.refuse("reassignOwnedTo", "must be the name of a role, at most 63 bytes");
  const maxTtlSeconds = members.whole("maxTtlSeconds", { min: 1, max: longestTtlSeconds }) ?? defaultMaxTtlSeconds;
  return members.done(() => ({
    url: url ?? {},
    ca,
    rolePrefix,
    reassignOwnedTo,
    maxTtlSeconds: seconds(maxTtlSeconds),
  }));
}

/** `sslmode` is `verify-full` unless it says `disable`; what verifies less is refused, because it verifies nothing. */
export function parseAddress(text: string): Result<Address, string> {
  const wanted = "must be postgres://USER:PASSWORD@HOST:PORT/DATABASE, each part percent-encoded";
  if (!URL.canParse(text)) return err(wanted);
  const url = new URL(text);
  const database = decoded(url.pathname.slice(1));
  const [user, password] = [decoded(url.username), decoded(url.password)];
  const isWhole = /^postgres(ql)?:$/.test(url.protocol) && url.hostname !== "" && url.hash === "";
  if (!isWhole || !database || !user || !password || database.includes("/")) return err(wanted);
  const unknown = [...url.searchParams.keys()].find((name) => name !== "sslmode");
  if (unknown !== undefined) return err("may have the parameter sslmode only");
  const mode = url.searchParams.get("sslmode") ?? "verify-full";
  if (mode !== "verify-full" && mode !== "disable") return err("must have sslmode=verify-full or sslmode=disable");
  return ok({
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? defaultPort : Number(url.port),
    database,
    user,
    password: new Redacted(password, "database password"),
    tls: mode === "verify-full",
  });
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
