/** What is left of a role at the server: nothing, a role that may or may not log in, and its open sessions. */
import { ok, type Result } from "../../src/kernel/result.ts";
import type { ProbeAnswer, ProbeRequest } from "../../src/ports/provider.ts";
import type { DatabaseFault, Session } from "./database.ts";
import { reasonOf } from "./reasons.ts";
import { roleIn, type Server } from "./server.ts";

export interface FoundRole {
  readonly oid: number;
  readonly mayLogIn: boolean;
  readonly sessions: number;
}

const findSql = `
SELECT r.oid, r.rolcanlogin AND coalesce(r.rolvaliduntil > now(), true) AS may_log_in,
  (SELECT count(*)::int FROM pg_stat_activity a WHERE a.usesysid = r.oid) AS sessions
FROM pg_roles r WHERE r.rolname = $1`;

/** Null where there is no such role. */
export async function findRole(session: Session, role: string): Promise<Result<FoundRole | null, DatabaseFault>> {
  const rows = await session.ask(findSql, [role]);
  if (!rows.ok) return rows;
  const [row] = rows.value;
  if (row === undefined) return ok(null);
  return ok({ oid: Number(row["oid"]), mayLogIn: row["may_log_in"] === true, sessions: Number(row["sessions"]) });
}

/** Alive while anybody may log in with it or is logged in. Says nothing of what a password check would answer. */
export async function probePostgres(
  { database }: Server,
  { lease, signal }: Pick<ProbeRequest, "lease" | "signal">,
): Promise<ProbeAnswer> {
  const role = roleIn(lease.handle);
  if (role === null) return { kind: "unclear", reason: "unknown_handle" };
  const found = await database.session(signal, (session) => findRole(session, role));
  if (!found.ok) return { kind: "unclear", reason: reasonOf(found.fault) };
  const isAlive = found.value !== null && (found.value.mayLogIn || found.value.sessions > 0);
  return { kind: isAlive ? "alive" : "dead" };
}
