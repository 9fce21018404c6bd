/** Which roles of this ledger's leases are there, by name, page by page. */
import { parseLeaseId } from "../../src/kernel/ids.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { epochMillis } from "../../src/kernel/time.ts";
import type { Found, ListPage, ListRequest } from "../../src/ports/provider.ts";
import type { Row } from "./database.ts";
import { reasonOf } from "./reasons.ts";
import { leaseTextOf, ourPrefix, type Server } from "./server.ts";

/** By bytes, so that a page goes on where the one before ended, whatever the server's language. */
const listSql = `
SELECT rolname AS role, shobj_description(oid, 'pg_authid')::json ->> 'created_at' AS created_at
FROM pg_roles WHERE starts_with(rolname, $1) AND rolname COLLATE "C" > $2
ORDER BY rolname COLLATE "C" LIMIT $3`;

export async function listPostgres(
  server: Server,
  { after, limit, signal }: ListRequest,
): Promise<Result<ListPage, string>> {
  const values = [ourPrefix(server), after ?? "", limit];
  const rows = await server.database.session(signal, (session) => session.ask(listSql, values));
  if (!rows.ok) return err(reasonOf(rows.fault));
  const found = rows.value.map((row) => foundIn(server, row));
  return ok({ found, next: found.length < limit ? null : (found.at(-1)?.name ?? null) });
}

function foundIn(server: Server, row: Row): Found {
  const role = String(row["role"]);
  const createdAt = Date.parse(String(row["created_at"]));
  return {
    name: role,
    leaseId: parseLeaseId(leaseTextOf(server, role)) ?? null,
    createdAt: Number.isNaN(createdAt) ? null : epochMillis(createdAt),
    handle: { role },
  };
}
