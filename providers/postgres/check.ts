/** Whether the broker could mint and kill here, as far as that can be known without doing it. */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { DatabaseFault, NoSession } from "./database.ts";
import { reasonOf } from "./reasons.ts";
import type { Server } from "./server.ts";

const checkSql = `
SELECT r.rolsuper OR r.rolcreaterole AS may_create, current_setting('server_version_num')::int AS version,
  pg_is_in_recovery() AS is_replica,
  $1::text IS NULL OR EXISTS (SELECT FROM pg_roles o WHERE o.rolname = $1 AND pg_has_role(o.oid, 'USAGE')) AS may_reassign
FROM pg_roles r WHERE r.rolname = CURRENT_USER`;

/** The oldest release that the kit ran on, and the first whose single statements have a timeout each. */
const oldestVersion = 13_00_00;

export async function checkPostgres({ database, options }: Server, signal: AbortSignal): Promise<Result<void, string>> {
  const rows = await database.session(signal, (session) => session.ask(checkSql, [options.reassignOwnedTo]));
  if (!rows.ok) return err(inWords(rows.fault));
  const [row] = rows.value;
  if (Number(row?.["version"]) < oldestVersion) return err("the server is older than PostgreSQL 13");
  if (row?.["is_replica"] === true) return err("the server is a replica: the url must name the primary");
  if (row?.["may_create"] !== true) return err("the broker's role may not make roles: ALTER ROLE it with CREATEROLE");
  if (row["may_reassign"] === true) return ok();
  return err(`the broker's role is no member of ${options.reassignOwnedTo}, to which reassignOwnedTo gives: GRANT it`);
}

const inWords = (fault: DatabaseFault): string =>
  fault.kind === "no_session" ? withoutSession[fault.why] : `the server did not answer as expected: ${reasonOf(fault)}`;

const withoutSession: Readonly<Record<NoSession, string>> = {
  unreachable: "the server does not answer at the url's host and port",
  login_refused: "the server refuses the broker's login: user and password of the url, or the server's pg_hba.conf",
  no_such_database: "the server has no database of the url's name",
  no_tls:
    "the server speaks no TLS: turn it on there, or end the url with ?sslmode=disable where the way to it is safe",
  certificate_refused:
    "the server's certificate is not trusted: set ca to its authority, and the url to the host that it names",
};
