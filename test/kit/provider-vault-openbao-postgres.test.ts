/** The vault provider against a real OpenBao, once with listing and once without: the task's token, and SQL logins. */
import { vaultProviderType } from "../../providers/vault/index.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { Credential } from "../../src/ports/provider.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { readSecret, startPreparedBao, type PreparedBao } from "../support/openbao.ts";
import { startBaoWithDatabase } from "../support/openbao-database.ts";
import { createProvider, createTestTools } from "../support/provider-tools.ts";
import { runSql } from "../support/sql-login.ts";
import { describeProvider } from "./provider/describe-provider.ts";
import type { BreakablePath, ProviderHarness, ProviderTraits } from "./provider/harness.ts";

type Subject = Pick<ProviderHarness, "scope" | "parameters" | "system"> & {
  readonly paths: Omit<BreakablePath, "proxy">;
  /** Of the logins that were used so far. */
  readonly passwords: ReadonlySet<string>;
  stop(): Promise<void>;
};

async function start(bao: PreparedBao, subject: Subject, more: JsonObject): Promise<ProviderHarness> {
  const proxy = await startFaultProxy();
  proxy.forwardTo(bao.url);
  const brokerToken = await bao.brokerToken();
  const tools = await createTestTools({ secrets: { VAULT_BROKER: brokerToken } });
  const options = { address: proxy.url, auth: "token", token: { env: "VAULT_BROKER" }, maxTtlSeconds: 300, ...more };
  const provider = await createProvider(vaultProviderType, options, tools);
  const { paths, scope, parameters, system } = subject;
  return {
    scope,
    parameters,
    system,
    provider,
    path: { proxy, ...paths },
    canaries: () => [
      brokerToken,
      ...proxy.seen.flatMap(({ headers }) => [headers["x-vault-token"] ?? []].flat()),
      ...subject.passwords,
    ],
    async close() {
      await provider.close();
      await Promise.all([tools.close(), proxy.close()]);
      await subject.stop();
    },
  };
}

async function tokens(more: JsonObject): Promise<ProviderHarness> {
  const bao = await startPreparedBao();
  const subject: Subject = {
    passwords: new Set(),
    scope: { policies: ["app-${parameters.right}"] },
    parameters: { right: "read" },
    system: {
      wantedScope: ["app-read"],
      use: async (credential) => ((await readSecret(bao.url, tokenOf(credential))) === 200 ? "accepted" : "refused"),
      async scopeOf(credential) {
        const { body } = await bao.ask("POST", "auth/token/lookup", { token: tokenOf(credential) });
        return (body["data"] as { policies: readonly string[] }).policies.toSorted();
      },
    },
    paths: {
      mint: "/v1/auth/token/create/mayfly",
      revoke: "/v1/auth/token/revoke-accessor",
      probe: "/v1/auth/token/lookup-accessor",
    },
    stop: () => bao.stop(),
  };
  return start(bao, subject, more);
}

function tokenOf(credential: Credential): string {
  if (credential.kind !== "bearer") throw new Error("a task's token is a bearer credential");
  return credential.value.reveal();
}

async function logins(more: JsonObject): Promise<ProviderHarness> {
  const servers = await startBaoWithDatabase();
  const { bao, postgres } = servers;
  const passwords = new Set<string>();
  const ask = (credential: Credential, sql: string): Promise<string | undefined> => {
    const login = loginOf(credential);
    passwords.add(login.password);
    return runSql(postgres, sql, login);
  };
  const subject: Subject = {
    passwords,
    scope: { policies: ["ledger-db"], path: "database/creds/ledger-${parameters.region}", engine: "database" },
    parameters: { region: "emea" },
    system: {
      wantedScope: ["ledger SELECT"],
      use: async (credential) =>
        (await ask(credential, "select amount from ledger")) === "42" ? "accepted" : "refused",
      async scopeOf(credential) {
        const sql = `select t || ' ' || p from unnest(array['ledger', 'payroll']) t,
          unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p where has_table_privilege(t, p)`;
        return ((await ask(credential, sql)) ?? "").split("\n").toSorted();
      },
    },
    paths: { mint: "/v1/auth/token/create/mayfly", revoke: "/v1/sys/leases/revoke", probe: "/v1/sys/leases/lookup" },
    stop: () => servers.stop(),
  };
  return start(bao, subject, more);
}

function loginOf(credential: Credential) {
  const { username, password } = credential.kind === "structured" ? credential.value.reveal() : {};
  if (typeof username !== "string" || typeof password !== "string")
    throw new Error("a login has a name and a password");
  return { user: username, password };
}

const killed = { verdict: "dead-verified", systemRefuses: true, remote: true } as const;
const blind: ProviderTraits = { ...killed, unknownVerdict: "expires-only" };
const listing: ProviderTraits = { ...killed, unknownVerdict: "dead-unverified", unseenVerdict: "already-gone" };

describeProvider("vault, the task's token", blind, () => tokens({}));
describeProvider("vault, the task's token, listing", listing, () => tokens({ listing: true }));
describeProvider("vault, leased logins", { ...blind, unknownVerdict: "pending" }, () => logins({}));
describeProvider("vault, leased logins, listing", { ...listing, unknownVerdict: "pending" }, () =>
  logins({ listing: true }),
);
