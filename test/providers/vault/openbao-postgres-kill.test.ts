/** What a kill meets at a real server whose engine leases SQL logins and certificates. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import type { Result } from "../../../src/kernel/result.ts";
import { addMillis, epochMillis } from "../../../src/kernel/time.ts";
import type { ListPage, MintOutcome } from "../../../src/ports/provider.ts";
import { dying } from "../../kit/provider/actor.ts";
import { readSecret } from "../../support/openbao.ts";
import { startBaoWithDatabase, type BaoWithDatabase } from "../../support/openbao-database.ts";
import { runSql } from "../../support/sql-login.ts";
import { startVault, textIn, tokenIn, type VaultUnderTest } from "../../support/vault-provider.ts";

const login = { policies: ["ledger-db"], path: "database/creds/ledger-emea", engine: "database" };
const readPath = "/v1/database/creds/ledger-emea";

let servers: BaoWithDatabase;
let vault: VaultUnderTest;
let blind: VaultUnderTest;
beforeAll(async () => {
  servers = await startBaoWithDatabase();
  const { bao } = servers;
  vault = await startVault(bao, { listing: true });
  blind = await startVault(bao);
  await bao.must("POST", "sys/mounts/pki", { type: "pki" });
  await bao.must("POST", "pki/root/generate/internal", { common_name: "ca.example", ttl: "87600h" });
  await bao.must("POST", "pki/roles/web", {
    allowed_domains: "example.com",
    allow_subdomains: true,
    generate_lease: true,
  });
  await bao.must("PUT", "sys/policies/acl/web-pki", {
    policy: `path "pki/issue/web" { capabilities = ["update"] }`,
  });
});
afterAll(async () => {
  await vault.close();
  await blind.close();
  await servers.stop();
});

const users = async (): Promise<string> =>
  (await runSql(servers.postgres, "select count(*) from pg_roles where rolname like 'v-%'")) ?? "";
const leases = async (): Promise<number> => {
  const { body } = await servers.bao.ask("GET", "sys/leases/lookup/database/creds/ledger-emea/?list=1");
  return ((body["data"] as { keys?: readonly string[] } | undefined)?.keys ?? []).length;
};
const use = (minted: { credential: Parameters<typeof textIn>[0] }, sql = "select amount from ledger") =>
  runSql(servers.postgres, sql, {
    user: textIn(minted.credential, "username"),
    password: textIn(minted.credential, "password"),
  });

/** When the server has finished with whatever it was asked. */
const afterRead = ({ mintAbortAt }: Lease) => ({ now: addMillis(mintAbortAt, 90_000) });

/** The engine's way to its database; a wrong port is a database that is away. */
const connection = (port: number): JsonObject => ({
  plugin_name: "postgresql-database-plugin",
  allowed_roles: "*",
  verify_connection: false,
  connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/postgres?sslmode=disable&connect_timeout=2`,
  username: servers.postgres.superuser.user,
  password: servers.postgres.superuser.password,
});

describe("vault: a leased login", () => {
  it("reads what it may, nothing else, and is gone with its lease", async () => {
    const minted = await vault.actor(login).mintAlive();
    expect(await use(minted)).toBe("42");
    expect(await use(minted, "select * from payroll")).toBeUndefined();
    expect(await use(minted, "insert into ledger values (1)")).toBeUndefined();
    expect(await vault.actor(login).revoke(minted)).toEqual({ kind: "dead-verified" });
    expect(await use(minted)).toBeUndefined();
    expect(await users()).toBe("0");
  });

  it("that owns objects which the engine does not drop: a person is told, and the rest of the world goes on", async () => {
    const { bao } = servers;
    const role = (await bao.must("GET", "database/roles/ledger-emea"))["data"] as JsonObject;
    const bare = [`DROP ROLE IF EXISTS "{{name}}";`];
    await bao.must("POST", "database/roles/ledger-emea", { ...role, revocation_statements: bare });
    const actor = vault.actor(login);
    const minted = await actor.mintAlive();
    const name = textIn(minted.credential, "username");
    await runSql(servers.postgres, `create table mine (i int); alter table mine owner to "${name}"`);
    expect(await actor.revoke(minted)).toMatchObject({ kind: "refused", reason: "owned_objects" });
    expect(await use(minted)).toBe("42");
    await runSql(servers.postgres, "drop table mine");
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
    expect(await use(minted)).toBeUndefined();
    await bao.must("POST", "database/roles/ledger-emea", role);
  });

  it("whose database is away: retried, and dead once it is back", async () => {
    const actor = vault.actor(login);
    const minted = await actor.mintAlive();
    await servers.bao.must("POST", "database/config/ledger", connection(1));
    expect(await actor.revoke(minted)).toMatchObject({ kind: "retry", reason: "engine_cannot_revoke" });
    expect(await use(minted)).toBe("42");
    await servers.bao.must("POST", "database/config/ledger", connection(servers.postgres.port));
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
    expect(await use(minted)).toBeUndefined();
  });

  it("that the server itself has given up: needs a person, by the server's own list", async () => {
    const actor = vault.actor(login);
    const minted = await actor.mintAlive();
    const lease_id = minted.lease.handle["lease_id"] ?? "";
    await servers.bao.must("POST", "database/config/ledger", connection(1));
    // The server takes over six minutes to give up; its list is played for it, in its own words.
    const body = JSON.stringify({ data: { lease_count: 1, leases: [{ lease_id, error: "out of retries" }] } });
    vault.proxy.breakPath("/v1/sys/leases?type=irrevocable", { kind: "answer", status: 200, body });
    expect(await actor.revoke(minted)).toMatchObject({ kind: "refused", reason: "irrevocable_lease" });
    vault.proxy.heal();
    await servers.bao.must("POST", "database/config/ledger", connection(servers.postgres.port));
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
  });

  it("a revocation that was only queued is not a death", async () => {
    const actor = vault.actor(login);
    const minted = await actor.mintAlive();
    vault.proxy.breakPath("/v1/sys/leases/revoke", { kind: "answer", status: 202, body: "" });
    expect(await actor.revoke(minted)).toEqual({ kind: "retry", reason: "only_queued", of: "lease" });
    expect(await use(minted)).toBe("42");
    vault.proxy.heal();
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
  });
});

describe("vault: a mint that breaks at its second step", () => {
  const foreign = "SECRET-FROM-A-STRANGER";

  it.each<[string, number, MintOutcome]>([
    ["the path is not allowed", 403, { kind: "rejected", reason: "policies_do_not_allow_path", retryable: false }],
    ["the engine refuses", 400, { kind: "rejected", reason: "path_status_400", retryable: false }],
    ["too many requests", 429, { kind: "rejected", reason: "path_status_429", retryable: true }],
  ])("%s: rejected, and its token is ended", async (_, status, expected) => {
    vault.proxy.breakPath(readPath, { kind: "answer", status, body: JSON.stringify({ errors: [foreign] }) });
    const before = await tokens();
    const { outcome } = await vault.actor(login).mint();
    vault.proxy.heal();
    expect(outcome).toEqual(expected);
    expect(await tokens()).toBe(before);
  });

  it.each([
    ["500", { kind: "answer", status: 500, body: foreign } as const],
    ["no answer", { kind: "reset_before" } as const],
    ["the login was made, the answer lost", { kind: "reset_after" } as const],
    ["the login was made, the answer unreadable", { kind: "answer", acted: true, status: 200, body: foreign } as const],
  ])("%s: unknown with the accessor, and its kill leaves nothing", async (_, fault) => {
    vault.proxy.breakPath(readPath, fault);
    const actor = vault.actor(login);
    const before = await tokens();
    const { outcome, intent } = await actor.mint();
    vault.proxy.heal();
    expect(outcome).toMatchObject({ kind: "unknown", handle: { accessor: /.+/ } });
    expect(JSON.stringify(outcome)).not.toContain(foreign);
    const handle = outcome.kind === "unknown" ? outcome.handle : undefined;
    const lease = dying({ ...intent, handle: handle ?? intent.handle });
    expect(await actor.revoke({ lease, secret: null }, afterRead(lease))).toEqual({ kind: "dead-unverified" });
    expect([await tokens(), await users(), await leases()]).toEqual([before, "0", 0]);
  });

  it("a login that was made and cannot be dropped now: found although nobody learnt its name, and not called dead", async () => {
    vault.proxy.breakPath(readPath, { kind: "reset_after" });
    const actor = vault.actor(login);
    const { outcome, intent } = await actor.mint();
    vault.proxy.heal();
    expect(await users()).toBe("1");
    const handle = (outcome.kind === "unknown" ? outcome.handle : undefined) ?? {};
    const made = { lease: dying({ ...intent, handle }), secret: null };
    await servers.bao.must("POST", "database/config/ledger", connection(1));
    const later = afterRead(intent);
    expect(await actor.revoke(made, later)).toMatchObject({ kind: "retry", reason: "engine_cannot_revoke" });
    await servers.bao.must("POST", "database/config/ledger", connection(servers.postgres.port));
    expect(await actor.revoke(made, later)).toEqual({ kind: "dead-unverified" });
    expect([await users(), await leases()]).toEqual(["0", 0]);
  });

  it("a broker that died between the steps: found by what is written on the token, and nothing is left", async () => {
    const actor = vault.actor(login);
    const before = await tokens();
    const { intent } = await actor.mint();
    expect(await users()).toBe("1");
    const unseen = { lease: dying(intent), secret: null };
    expect(await actor.revoke(unseen, afterRead(intent))).toEqual({ kind: "dead-unverified" });
    expect([await tokens(), await users(), await leases()]).toEqual([before, "0", 0]);
  });

  it("without listing: pending until the token ends by itself, then a person must look; never called dead", async () => {
    const actor = blind.actor(login);
    const { intent } = await actor.mint();
    const unseen = { lease: dying(intent), secret: null };
    expect(await actor.revoke(unseen)).toEqual({ kind: "pending", until: intent.nativeExpiresAt });
    const later = { ...unseen, lease: { ...unseen.lease, nativeExpiresAt: intent.createdAt } };
    expect(await actor.revoke(later)).toMatchObject({ kind: "refused", reason: "server_lease_not_known" });
    expect((await vault.actor(login).revoke(unseen, afterRead(intent))).kind).toBe("dead-unverified");
  });

  const tokens = async (): Promise<number> => {
    const { data } = await servers.bao.must("GET", "auth/token/accessors?list=1");
    return (data as { keys: readonly string[] }).keys.length;
  };
});

describe("vault: other ways to deliver", () => {
  it("a wrapped token: the agent unwraps it once, and the kill ends what came out", async () => {
    const actor = vault.actor({ policies: ["app-read"], wrapSeconds: 60 });
    const minted = await actor.mintAlive();
    const { body } = await servers.bao.ask("POST", "sys/wrapping/unwrap", {}, tokenIn(minted.credential));
    const token = (body["auth"] as { client_token: string }).client_token;
    expect(await readSecret(servers.bao.url, token)).toBe(200);
    expect(await readSecret(servers.bao.url, token, "secret/data/app/apac")).toBe(403);
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
    expect(await readSecret(servers.bao.url, token)).toBe(403);
    expect(vault.proxy.seen.some(({ headers }) => headers["x-vault-token"] === token)).toBe(false);
  });

  it("a wrapped token that nobody unwrapped dies too", async () => {
    const actor = vault.actor({ policies: ["app-read"], wrapSeconds: 60 });
    const minted = await actor.mintAlive();
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
    const { status } = await servers.bao.ask("POST", "sys/wrapping/unwrap", {}, tokenIn(minted.credential));
    expect(status).toBeGreaterThanOrEqual(400);
  });

  it("a certificate: put on the revocation list, and still told to be usable until it expires", async () => {
    const pki = {
      policies: ["web-pki"],
      path: "pki/issue/web",
      engine: "pki",
      fields: { common_name: "${parameters.name}" },
    };
    const actor = vault.actor(pki, { name: "a.example.com" });
    const minted = await actor.mintAlive();
    const serial = textIn(minted.credential, "serial_number");
    expect(Math.abs(minted.lease.nativeExpiresAt - minted.lease.expiresAt)).toBeLessThan(2_000);
    expect(await actor.revoke(minted)).toEqual({ kind: "expires-only", at: minted.lease.nativeExpiresAt });
    const { data } = await servers.bao.must("GET", `pki/cert/${serial}`);
    expect((data as { revocation_time: number }).revocation_time).toBeGreaterThan(0);
  });
});

describe("vault: drift", () => {
  const all = async (limit: number): Promise<readonly string[]> => {
    const found: string[] = [];
    let after: string | null = null;
    do {
      const page: Result<ListPage, string> | undefined = await vault.provider.list?.({
        after,
        limit,
        signal: new AbortController().signal,
      });
      if (page?.ok !== true) throw new Error("not listed");
      found.push(...page.value.found.flatMap(({ leaseId }) => leaseId ?? []));
      after = page.value.next;
    } while (after !== null);
    return found;
  };

  it.each([1, 2, 200])("lists what is ours and nobody else's, in pages of %i", async (limit) => {
    const actor = vault.actor({ policies: ["app-read"] });
    const minted = [await actor.mintAlive(), await actor.mintAlive(), await actor.mintAlive()];
    await servers.bao.brokerToken();
    expect((await all(limit)).toSorted()).toEqual(minted.map(({ leaseId }) => leaseId).toSorted());
    for (const one of minted) await actor.revoke(one);
    expect(await all(limit)).toEqual([]);
  });

  it("ends a stray with what it leased", async () => {
    const actor = vault.actor(login);
    await actor.mint();
    const signal = new AbortController().signal;
    const page = await vault.provider.list?.({ after: null, limit: 10, signal });
    const [found] = page?.ok === true ? page.value.found : [];
    if (found === undefined) throw new Error("not listed");
    const now = epochMillis(Date.now());
    expect(await vault.provider.revokeStray?.({ found, now, signal })).toEqual({ kind: "dead-unverified" });
    expect([await users(), await leases()]).toEqual(["0", 0]);
  });
});
