/**
 * Mints a login role. Its name is the lease's, so that it can be killed although nobody heard the answer; all of it is
 * one transaction, so that there is either the whole role or none.
 */
import { escapeIdentifier as name, escapeLiteral as literal } from "pg";
import { base64UrlFromBytes } from "../../src/kernel/base64url.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { ok, type Result } from "../../src/kernel/result.ts";
import { secondsToMillis, toRfc3339 } from "../../src/kernel/time.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";
import type { MintOutcome, MintPlan, MintRequest, PlanRequest } from "../../src/ports/provider.ts";
import type { DatabaseFault, Session } from "./database.ts";
import type { PostgresScope } from "./scope.ts";
import { passes, reasonOf, sqlStates } from "./reasons.ts";
import { scramVerifier } from "./scram.ts";
import { aboutRole, roleOf, type Server } from "./server.ts";

export const planPostgres = (server: Server, { leaseId }: PlanRequest<PostgresScope>): MintPlan => ({
  handle: { role: roleOf(server, leaseId) },
  worstCaseTtl: secondsToMillis(server.options.maxTtlSeconds),
});

export async function mintPostgres(server: Server, request: MintRequest<PostgresScope>): Promise<MintOutcome> {
  const password = new Redacted(base64UrlFromBytes(server.randomBytes(32)), "database password");
  const verifier = await scramVerifier(password, server.randomBytes);
  const role = roleOf(server, request.leaseId);
  const made = await server.database.session(request.signal, async (session) => {
    const unfit = await findUnfit(session, request.scope.roles);
    if (!unfit.ok || unfit.value !== null) return unfit;
    const created = await session.ask(createRole(server, request, { role, verifier }));
    return created.ok ? ok(null) : created;
  });
  if (!made.ok) return notMinted(made.fault);
  if (made.value !== null) return { kind: "rejected", reason: made.value, retryable: false };
  const { host, port, database } = server.address;
  return {
    kind: "minted",
    minted: {
      credential: {
        kind: "structured",
        type: "userpass",
        value: new Redacted({ host, port, database, username: role, password: password.reveal() }, "database login"),
      },
      handle: { role },
      secretToKeep: null,
      findByFingerprint: true,
      nativeExpiresAt: request.expiresAt,
      granted: null,
    },
  };
}

/**
 * A group role that can become more than a reader or writer of data would let an agent make itself a role that nobody
 * takes back, or leave the database for the machine. Attributes are not inherited, but a member may SET ROLE.
 */
const unfitSql = `
SELECT r.oid IS NULL AS missing
FROM unnest($1::text[]) AS wanted(name) LEFT JOIN pg_roles r ON r.rolname = wanted.name
WHERE r.oid IS NULL OR EXISTS (
  SELECT FROM pg_roles p
  WHERE pg_has_role(r.oid, p.oid, 'MEMBER') AND (
    p.rolsuper OR p.rolcreaterole OR p.rolcreatedb OR p.rolreplication OR p.rolbypassrls OR p.rolname IN
    ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files', 'pg_signal_backend')))
LIMIT 1`;

async function findUnfit(session: Session, roles: readonly string[]): Promise<Result<string | null, DatabaseFault>> {
  const rows = await session.ask(unfitSql, [roles]);
  if (!rows.ok) return rows;
  const [unfit] = rows.value;
  if (unfit === undefined) return ok(null);
  return ok(unfit["missing"] === true ? "role_missing" : "role_too_powerful");
}

function createRole(
  server: Server,
  { scope, leaseId, taskId, expiresAt, now }: MintRequest<PostgresScope>,
  { role, verifier }: { readonly role: string; readonly verifier: Redacted },
): string {
  const about = aboutRole(server, { leaseId, taskId, now });
  return [
    `CREATE ROLE ${name(role)} LOGIN INHERIT CONNECTION LIMIT ${scope.connections}
       PASSWORD ${literal(verifier.reveal())} VALID UNTIL ${literal(toRfc3339(expiresAt))}`,
    `COMMENT ON ROLE ${name(role)} IS ${literal(about)}`,
    `GRANT ${scope.roles.map((group) => name(group)).join(", ")} TO ${name(role)}`,
  ].join(";\n");
}

function notMinted(fault: DatabaseFault): MintOutcome {
  const reason = reasonOf(fault);
  switch (fault.kind) {
    case "no_session":
      return { kind: "rejected", reason, retryable: fault.why === "unreachable" };
    case "lost":
      return { kind: "unknown", reason };
    case "refused":
      // A role of this name is there already: whoever made it, it is killed by the name.
      if (fault.sqlState === sqlStates.duplicateObject) return { kind: "unknown", reason: "role_exists" };
      return { kind: "rejected", reason, retryable: passes(fault.sqlState) };
    default:
      return unreachable(fault);
  }
}
