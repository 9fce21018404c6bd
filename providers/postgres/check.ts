/** Whether the broker could mint and kill here, as far as that can be known without doing it. */
import { err, ok, type Result } from "../../src/kernel/result.ts";
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
  if (!rows.ok) return err(reasonOf(rows.fault));
  const [row] = rows.value;
  if (Number(row?.["version"]) < oldestVersion) return err("server_too_old");
  if (row?.["is_replica"] === true) return err("server_is_read_only");
  if (row?.["may_create"] !== true) return err("broker_needs_createrole");
  return row["may_reassign"] === true ? ok() : err("broker_needs_membership_of_reassignOwnedTo");
}
