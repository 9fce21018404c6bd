/** Logins of a real PostgreSQL, from attestation to refused login. */
import { brokerLogin, logIn, prepareLedgerDatabase } from "../support/postgres-database.ts";
import { describeRealProvider } from "../support/flow/real-provider.ts";
import type { Body } from "../support/flow/client.ts";

describeRealProvider("postgres", "dead-verified", async () => {
  const database = await prepareLedgerDatabase();
  const { server } = database;
  async function reads({ credential = {} }: Body, table: string): Promise<boolean> {
    const { username = "", password = "" } = credential;
    const session = await logIn(server, { username: String(username), password: String(password) });
    const read = await session?.ask(`SELECT amount FROM ${table}`);
    await session?.close();
    return read === "done";
  }
  return {
    provider: { type: "postgres", url: { env: "FLOW_DATABASE_URL" } },
    template: { scope: { roles: ["ledger_emea_ro"] }, requires: { revocation: ["immediate"] } },
    env: { FLOW_DATABASE_URL: `${server.url({ ...brokerLogin, database: "ledger" })}?sslmode=disable` },
    works: (answer) => reads(answer, "emea"),
    oversteps: (answer) => reads(answer, "apac"),
    close: () => database.close(),
  };
});
