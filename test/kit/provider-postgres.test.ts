/** The postgres provider against a real server: credentials are used by logging in and reading. */
import { postgresProviderType } from "../../providers/postgres/index.ts";
import { createProvider, createTestTools } from "../support/provider-tools.ts";
import { brokerLogin, logIn, loginOf, prepareLedgerDatabase } from "../support/postgres-database.ts";
import { describeProvider } from "./provider/describe-provider.ts";
import type { ProviderHarness } from "./provider/harness.ts";

async function start(): Promise<ProviderHarness> {
  const database = await prepareLedgerDatabase();
  const { server } = database;
  const url = `${server.url({ ...brokerLogin, database: "ledger" })}?sslmode=disable`;
  const tools = await createTestTools({ secrets: { LEDGER_DB_URL: url } });
  const passwords = new Set([brokerLogin.password, url]);
  const provider = await createProvider(postgresProviderType, { url: { env: "LEDGER_DB_URL" } }, tools);
  return {
    provider,
    scope: { roles: ["ledger_${parameters.tenant}_ro"] },
    parameters: { tenant: "emea" },
    system: {
      wantedScope: ["ledger_emea_ro"],
      async use(credential) {
        const login = loginOf(credential);
        passwords.add(login.password);
        const session = await logIn(server, login);
        const read = await session?.ask("SELECT amount FROM emea");
        await session?.close();
        return read === "done" ? "accepted" : "refused";
      },
      async scopeOf(credential) {
        const rows = await database.admin(
          `SELECT r.rolname FROM pg_roles r
           WHERE r.rolname <> '${loginOf(credential).username}' AND pg_has_role('${loginOf(credential).username}', r.oid, 'MEMBER')`,
        );
        return rows.map(({ rolname }) => String(rolname)).sort();
      },
    },
    path: null,
    canaries: () => [...passwords],
    async close() {
      await provider.close();
      await Promise.all([tools.close(), database.close()]);
    },
  };
}

describeProvider(
  "postgres",
  {
    verdict: "dead-verified",
    systemRefuses: true,
    unknownVerdict: "dead-unverified",
    remote: true,
    breaksElsewhere: true,
  },
  start,
);
