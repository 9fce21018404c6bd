/** A real OpenBao whose database engine leases logins of a real PostgreSQL. */
import { startPostgres, type PostgresServer } from "../../scripts/servers/postgres.ts";
import { startPreparedBao, type PreparedBao } from "./openbao.ts";
import { runSql } from "./sql-login.ts";

export interface BaoWithDatabase {
  readonly bao: PreparedBao;
  readonly postgres: PostgresServer;
  stop(): Promise<void>;
}

/** As the provider's page advises: ends sessions, drops what was made, then the role. */
export const revocationStatements = [
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}';`,
  `REASSIGN OWNED BY "{{name}}" TO postgres; DROP OWNED BY "{{name}}"; DROP ROLE IF EXISTS "{{name}}";`,
];

export async function startBaoWithDatabase(wish: { revocation?: readonly string[] } = {}): Promise<BaoWithDatabase> {
  const [bao, postgres] = await Promise.all([startPreparedBao(), startPostgres()]);
  const made = await runSql(
    postgres,
    `create role ledger_read; create table ledger (amount int); insert into ledger values (42); create table payroll (i int);
     grant select on ledger to ledger_read;`,
  );
  if (made === undefined) throw new Error("the tables were not made");
  await bao.must("PUT", "sys/policies/acl/ledger-db", {
    policy: `path "database/creds/ledger-emea" { capabilities = ["read"] }`,
  });
  await bao.must("POST", "sys/mounts/database", { type: "database" });
  await bao.must("POST", "database/config/ledger", {
    plugin_name: "postgresql-database-plugin",
    allowed_roles: "*",
    connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`,
    username: postgres.superuser.user,
    password: postgres.superuser.password,
  });
  await bao.must("POST", "database/roles/ledger-emea", {
    db_name: "ledger",
    creation_statements: [
      `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE ledger_read;`,
    ],
    revocation_statements: wish.revocation ?? revocationStatements,
    default_ttl: "1h",
    max_ttl: "24h",
  });
  return {
    bao,
    postgres,
    async stop() {
      await Promise.all([bao.stop(), postgres.stop()]);
    },
  };
}
