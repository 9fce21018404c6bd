/**
 * Ends a login role for good. The order matters: first nobody new comes in, then whoever is in goes out, then what the
 * role may do and owns, then the role. Each step may be repeated, and a role that is locked is harmless already.
 */
import { escapeIdentifier as name } from "pg";
import type { Verdict } from "../../src/domain/verdict.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { RevokeRequest } from "../../src/ports/provider.ts";
import type { DatabaseFault, Session } from "./database.ts";
import { findRole } from "./look.ts";
import { passes, reasonOf, sqlStates } from "./reasons.ts";
import { roleIn, type Server } from "./server.ts";

/** Why a kill stopped: the server's word, or what only a person or another attempt can end. */
type KillFault = DatabaseFault | { readonly kind: "sessions_stay" } | { readonly kind: "owns_objects" };

export async function revokePostgres(
  server: Server,
  { lease, signal }: Pick<RevokeRequest, "lease" | "signal">,
): Promise<Verdict> {
  const verdict = await revokeRole(server, lease.handle, signal);
  const isGone = verdict.kind === "dead-unverified" || verdict.kind === "already-gone";
  // The role was seen after mint, and is not there now.
  return isGone && lease.provenAlive ? { kind: "dead-verified" } : verdict;
}

export async function revokeRole(server: Server, handle: JsonObject, signal: AbortSignal): Promise<Verdict> {
  const role = roleIn(handle);
  if (role === null) return refused("unknown_handle", "end the role at the server by hand: its name is the lease's");
  const killed = await server.database.session<"killed" | "absent", KillFault>(signal, async (session) => {
    const found = await findRole(session, role);
    if (!found.ok) return found;
    return found.value === null ? ok("absent") : kill(server, session, { role, oid: found.value.oid, signal });
  });
  if (!killed.ok) return verdictOn(killed.fault);
  return { kind: killed.value === "absent" ? "already-gone" : "dead-unverified" };
}

interface Doomed {
  readonly role: string;
  readonly oid: number;
  readonly signal: AbortSignal;
}

async function kill(server: Server, session: Session, doomed: Doomed): Promise<Result<"killed", KillFault>> {
  const role = name(doomed.role);
  // As a member of the role the broker may end its sessions and give away what it owns.
  const locked = await session.ask(
    `ALTER ROLE ${role} NOLOGIN PASSWORD NULL CONNECTION LIMIT 0; GRANT ${role} TO CURRENT_USER`,
  );
  if (!locked.ok) return locked;
  const ended = await endSessions(session, doomed.oid);
  if (!ended.ok) return ended;
  const stripped = await strip(server, session, doomed);
  if (!stripped.ok) return stripped;
  const dropped = await session.ask(`DROP ROLE IF EXISTS ${role}`);
  if (!dropped.ok) return dropped;
  const late = await endSessions(session, doomed.oid);
  return late.ok ? ok("killed") : late;
}

const endSessionsSql = `SELECT count(pg_terminate_backend(pid))::int AS ended FROM pg_stat_activity WHERE usesysid = $1`;
/** A login that was let in just before the lock shows a moment later: one empty look is not enough. */
const emptyLooksWanted = 2;
const pauseSql = "SELECT pg_sleep(0.02)";
const maxLooks = 100;

async function endSessions(session: Session, oid: number): Promise<Result<void, KillFault>> {
  let emptyLooks = 0;
  for (let look = 0; look < maxLooks; look += 1) {
    // oxlint-disable-next-line no-await-in-loop -- looks until nobody is left
    const rows = await session.ask(endSessionsSql, [oid]);
    if (!rows.ok) return rows;
    emptyLooks = rows.value[0]?.["ended"] === 0 ? emptyLooks + 1 : 0;
    if (emptyLooks === emptyLooksWanted) return ok();
    // oxlint-disable-next-line no-await-in-loop -- as above
    const paused = await session.ask(pauseSql);
    if (!paused.ok) return paused;
  }
  return err({ kind: "sessions_stay" });
}

/** In which databases something depends on the role, and whether it owns anything there. Null: what all databases share. */
const dependsSql = `
SELECT d.datname AS database, bool_or(s.deptype = 'o') AS owns
FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1 GROUP BY d.datname`;

/** Takes away grants and possessions in every database that has some, not only in the one that the broker uses. */
async function strip(
  server: Server,
  session: Session,
  { role, oid, signal }: Doomed,
): Promise<Result<void, KillFault>> {
  const depends = await session.ask(dependsSql, [oid]);
  if (!depends.ok) return depends;
  const { reassignOwnedTo } = server.options;
  const owns = depends.value.some((row) => row["owns"] === true);
  // DROP OWNED would drop what the agent created, with all the data in it.
  if (owns && reassignOwnedTo === null) return err({ kind: "owns_objects" });
  const reassign =
    owns && reassignOwnedTo !== null ? `REASSIGN OWNED BY ${name(role)} TO ${name(reassignOwnedTo)};` : "";
  const drop = `${reassign} DROP OWNED BY ${name(role)}`;
  for (const { database } of depends.value) {
    const isElsewhere = typeof database === "string" && database !== server.address.database;
    // oxlint-disable-next-line no-await-in-loop -- one after the other: they may share rows
    const done = isElsewhere
      ? await server.database.session(signal, (other) => other.ask(drop), database)
      : await session.ask(drop);
    if (!done.ok) return done;
  }
  return ok();
}

function verdictOn(fault: KillFault): Verdict {
  if (fault.kind === "sessions_stay") return { kind: "retry", reason: "sessions_stay", of: "lease" };
  if (fault.kind === "owns_objects")
    return refused(
      "owns_objects",
      "the role cannot log in any more; give what it owns to another role (REASSIGN OWNED), or set reassignOwnedTo",
    );
  const reason = reasonOf(fault);
  if (fault.kind === "no_session" && fault.why === "login_refused")
    return refused(reason, "let the broker's role log in again: its password, pg_hba.conf, or the url of the provider");
  // Whoever holds it, as a transaction that the agent prepared, the server serves all others.
  const isOwnLock = fault.kind === "refused" && fault.sqlState === sqlStates.lockNotAvailable;
  if (fault.kind !== "refused" || (passes(fault.sqlState) && !isOwnLock)) return { kind: "retry", reason };
  if (fault.sqlState === sqlStates.permissionDenied)
    return refused(reason, "let the broker's role administer the roles it made: CREATEROLE, or ADMIN OPTION on them");
  // Else somebody changed the role between two steps.
  return { kind: "retry", reason, of: "lease" };
}

const refused = (reason: string, fix: string): Verdict => ({ kind: "refused", reason, fix });
