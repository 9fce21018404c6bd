/** The whole broker with a real OpenBao and a real PostgreSQL behind it: a task's logins work, and die with it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { startFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { eventually } from "../support/flow/eventually.ts";
import { policyResources } from "../support/flow/policy.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";
import { startBaoWithDatabase, type BaoWithDatabase } from "../support/openbao-database.ts";
import { readSecret } from "../support/openbao.ts";
import { runSql } from "../support/sql-login.ts";

let servers: BaoWithDatabase;
let proxy: FaultProxy;
let world: FlowWorld;
beforeAll(async () => {
  servers = await startBaoWithDatabase();
  proxy = await startFaultProxy();
  proxy.forwardTo(servers.bao.url);
  world = await startFlow({
    env: { FLOW_VAULT_TOKEN: await servers.bao.brokerToken() },
    resources: ({ places }) => [...policyResources(places), ...vaultResources(proxy.url)],
  });
});
afterAll(async () => {
  await world.close();
  await proxy.close();
  await servers.stop();
});

const resource = (kind: string, name: string, spec: JsonObject): JsonObject => ({
  apiVersion: "mayfly.dev/v1",
  kind,
  metadata: { name },
  spec,
});

function vaultResources(address: string): readonly JsonObject[] {
  const common = {
    provider: "vault",
    agents: ["*"],
    actionClass: "read",
    sensitivity: "internal",
    ttl: { defaultSeconds: 300, maxSeconds: 900 },
    allowEarlyKill: true,
    requires: { revocation: ["immediate"] },
  };
  const login = { policies: ["ledger-db"], path: "database/creds/ledger-emea", engine: "database" };
  const vault = { type: "vault", address, auth: "token", token: { env: "FLOW_VAULT_TOKEN" }, maxRequestSeconds: 1 };
  return [
    resource("Provider", "vault", { ...vault, listing: true }),
    resource("Provider", "blind", vault),
    resource("CredentialTemplate", "blind-login", { ...common, provider: "blind", scope: login }),
    resource("CredentialTemplate", "app-secrets", { ...common, scope: { policies: ["app-read"] } }),
    resource("CredentialTemplate", "ledger-login", { ...common, scope: login }),
  ];
}

const openTask = (): Promise<string> =>
  world.openTask({
    templates: [{ template: "app-secrets" }, { template: "ledger-login" }, { template: "blind-login" }],
  });

const use = (credential: string) => {
  const { username, password } = JSON.parse(credential) as { username: string; password: string };
  return runSql(servers.postgres, "select amount from ledger", { user: username, password });
};

describe("the vault provider in a broker", () => {
  it("a task ends: its token and its login worked, and are verified dead", async () => {
    const task = await openTask();
    const token = await world.issue({ task, template: "app-secrets" });
    const login = await world.issue({ task, template: "ledger-login" });
    expect(await readSecret(servers.bao.url, token.token)).toBe(200);
    expect(await use(login.token)).toBe("42");
    const { body } = await world.end(task);
    expect(body.summary).toMatchObject({ live: 0, dead: 2 });
    expect((await world.leasesOf(task)).map(({ verdict }) => verdict)).toEqual(["dead-verified", "dead-verified"]);
    expect(await readSecret(servers.bao.url, token.token)).toBe(403);
    expect(await use(login.token)).toBeUndefined();
  });

  it("a login whose answer was lost: nothing is left", async () => {
    const task = await openTask();
    proxy.breakPath("/v1/database/creds/ledger-emea", { kind: "reset_after" });
    expect((await world.exchange({ task, template: "ledger-login" })).status).toBe(503);
    proxy.heal();
    const dead = await eventually("the lease is dead", async () => {
      const [lease] = await world.leasesOf(task);
      return lease?.state === "revoked" ? lease : undefined;
    });
    expect(dead.verdict).toBe("dead-unverified");
    expect(await runSql(servers.postgres, "select count(*) from pg_roles where rolname like 'v-%'")).toBe("0");
    expect((await world.audit(task)).find(({ type }) => type === "lease.due")?.data["cause"]).toBe("outcome_unknown");
  });

  it("the same without listing: what was learnt before ends the token, and a person is told to look at the rest", async () => {
    const task = await openTask();
    proxy.breakPath("/v1/database/creds/ledger-emea", { kind: "reset_before" });
    expect((await world.exchange({ task, template: "blind-login" })).status).toBe(503);
    proxy.heal();
    const stuck = await eventually("the lease is stuck", async () => {
      const [lease] = await world.leasesOf(task);
      return lease?.state === "stuck" ? lease : undefined;
    });
    expect(stuck.reason).toBe("server_lease_not_known");
    const revoked = proxy.seen.filter(({ path }) => path === "/v1/auth/token/revoke-accessor").at(-1);
    const { accessor } = JSON.parse(revoked?.body ?? "{}") as { accessor: string };
    const { status } = await servers.bao.ask("POST", "auth/token/lookup-accessor", { accessor });
    expect(status).toBe(400);
  });
});
