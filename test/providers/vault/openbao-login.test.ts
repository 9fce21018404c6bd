/** The broker's own login at a real server: each way in, a login that ends in mid-flight, rights taken away, a seal. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveOnLoopback } from "../../../scripts/servers/loopback.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { readSecret, startPreparedBao, type PreparedBao } from "../../support/openbao.ts";
import { brokerUrl, createTestSigner, publishKeys } from "../../support/provider-tools.ts";
import { startVault, tokenIn, type VaultUnderTest } from "../../support/vault-provider.ts";

const scope = { policies: ["app-read"] };
const never = new AbortController().signal;

let bao: PreparedBao;
const open: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  bao = await startPreparedBao();
  await bao.must("POST", "sys/auth/approle", { type: "approle" });
});
afterAll(async () => {
  for (const one of open.toReversed()) await one.close();
  await bao.stop();
});

const keep = <T extends { close(): Promise<void> }>(one: T): T => {
  open.push(one);
  return one;
};

async function approle(name: string, role: JsonObject = {}): Promise<VaultUnderTest> {
  await bao.must("POST", `auth/approle/role/${name}`, { token_policies: ["mayfly"], token_ttl: "1h", ...role });
  const { data: id } = await bao.must("GET", `auth/approle/role/${name}/role-id`);
  const { data: secret } = await bao.must("POST", `auth/approle/role/${name}/secret-id`, {});
  const options = { auth: "approle", roleId: (id as JsonObject)["role_id"] ?? "", secretId: { env: "SECRET_ID" } };
  const secrets = { SECRET_ID: (secret as { secret_id: string }).secret_id };
  return keep(await startVault(bao, options, { secrets }));
}

async function jwt(): Promise<VaultUnderTest> {
  const signer = await createTestSigner();
  const keys = keep(await publishKeys(signer));
  await bao.must("POST", "sys/auth/jwt", { type: "jwt" });
  await bao.must("POST", "auth/jwt/config", { jwks_url: `${keys.url}/jwks`, bound_issuer: brokerUrl });
  await bao.must("POST", "auth/jwt/role/mayfly", {
    role_type: "jwt",
    bound_audiences: ["vault"],
    user_claim: "sub",
    bound_subject: brokerUrl,
    token_policies: ["mayfly"],
  });
  return keep(await startVault(bao, { auth: "jwt", authRole: "mayfly" }, { signer }));
}

const clusterAudience = "https://kubernetes.default.svc";

/** No cluster is at hand: what stands in for it answers the one request that the server makes of it. */
async function kubernetes(): Promise<VaultUnderTest> {
  const cluster = keep(
    await serveOnLoopback((request, response) => {
      request.resume();
      response.writeHead(201, { "content-type": "application/json" });
      const user = { username: "system:serviceaccount:mayfly:broker", uid: "u-1", groups: [] };
      const status = { authenticated: true, user, audiences: [clusterAudience] };
      response.end(JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", status }));
    }),
  );
  await bao.must("POST", "sys/auth/kubernetes", { type: "kubernetes" });
  await bao.must("POST", "sys/mounts/cluster-ca", { type: "pki" });
  const { data: root } = await bao.must("POST", "cluster-ca/root/generate/internal", { common_name: "cluster" });
  await bao.must("POST", "auth/kubernetes/config", {
    kubernetes_host: cluster.url,
    kubernetes_ca_cert: (root as { certificate: string }).certificate,
    token_reviewer_jwt: "reviewer",
    disable_local_ca_jwt: true,
  });
  await bao.must("POST", "auth/kubernetes/role/mayfly", {
    bound_service_account_names: ["broker"],
    bound_service_account_namespaces: ["mayfly"],
    token_policies: ["mayfly"],
  });
  const signer = await createTestSigner();
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "kubernetes/serviceaccount",
    sub: "system:serviceaccount:mayfly:broker",
    aud: [clusterAudience],
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + 600,
    "kubernetes.io": { namespace: "mayfly", serviceaccount: { name: "broker", uid: "u-1" } },
  };
  const pod = await signer.sign({ type: "JWT", claims });
  const options = { auth: "kubernetes", authRole: "mayfly", jwt: { env: "POD" } };
  return keep(await startVault(bao, options, { secrets: { POD: pod } }));
}

const loginsSeen = ({ proxy }: VaultUnderTest): number =>
  proxy.seen.filter(({ path }) => path.endsWith("/login")).length;

describe("vault: logs in", () => {
  it.each<[string, () => Promise<VaultUnderTest>]>([
    ["by AppRole", () => approle("plain")],
    ["by a JWT that the broker signs", jwt],
    ["by Kubernetes", kubernetes],
    ["with a token from elsewhere", async () => keep(await startVault(bao))],
  ])("%s: mints, kills, is seen dead", async (_, start) => {
    const vault = await start();
    expect(await vault.provider.check(never)).toEqual({ ok: true, value: undefined });
    const actor = vault.actor(scope);
    const minted = await actor.mintAlive();
    expect(await readSecret(bao.url, tokenIn(minted.credential))).toBe(200);
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
    expect(await readSecret(bao.url, tokenIn(minted.credential))).toBe(403);
  });

  it("once, however many ask at the same time", async () => {
    const vault = await approle("many");
    const actor = vault.actor(scope);
    await Promise.all(Array.from({ length: 12 }, () => actor.mintAlive()));
    expect(loginsSeen(vault)).toBe(1);
  });

  it("with a wrong secret: says so, mints nothing, and does not hammer", async () => {
    await bao.must("POST", "auth/approle/role/wrong", { token_policies: ["mayfly"] });
    const options = { auth: "approle", roleId: "no-such-role", secretId: { env: "SECRET_ID" } };
    const vault = keep(await startVault(bao, options, { secrets: { SECRET_ID: "not the secret at all" } }));
    expect(await vault.provider.check(never)).toMatchObject({ ok: false, fault: /cannot log in: login_status_400/ });
    const { outcome } = await vault.actor(scope).mint();
    expect(outcome).toEqual({ kind: "rejected", reason: "login_status_400", retryable: false });
    expect(loginsSeen(vault)).toBe(1);
  });
});

describe("vault: a login that ends in mid-flight", () => {
  async function endBrokerTokens(vault: VaultUnderTest): Promise<void> {
    const used = new Set(vault.proxy.seen.flatMap(({ headers }) => headers["x-vault-token"] ?? []));
    for (const token of used) await bao.must("POST", "auth/token/revoke", { token });
  }

  it("by AppRole: another login, once, and the kill stands", async () => {
    const vault = await approle("ended");
    const actor = vault.actor(scope);
    const minted = await actor.mintAlive();
    await endBrokerTokens(vault);
    expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
    expect(await readSecret(bao.url, tokenIn(minted.credential))).toBe(403);
    expect(loginsSeen(vault)).toBe(2);
    expect((await actor.mint()).outcome.kind).toBe("minted");
  });

  it("with a token from elsewhere: needs a person, and the credential is not called dead", async () => {
    const vault = keep(await startVault(bao));
    const actor = vault.actor(scope);
    const minted = await actor.mintAlive();
    await endBrokerTokens(vault);
    expect(await actor.revoke(minted)).toMatchObject({ kind: "refused", reason: "login_status_403" });
    expect(await readSecret(bao.url, tokenIn(minted.credential))).toBe(200);
  });

  it("the task's tokens outlive it: they are nobody's children", async () => {
    const vault = await approle("parent");
    const minted = await vault.actor(scope).mintAlive();
    await endBrokerTokens(vault);
    expect(await readSecret(bao.url, tokenIn(minted.credential))).toBe(200);
  });
});

it("vault: a right taken away in mid-flight: needs a person until it is back", async () => {
  const vault = keep(await startVault(bao));
  const actor = vault.actor(scope);
  const minted = await actor.mintAlive();
  const { data } = await bao.must("GET", "sys/policies/acl/mayfly");
  const { policy } = data as { policy: string };
  await bao.must("PUT", "sys/policies/acl/mayfly", {
    policy: policy.replace("auth/token/revoke-accessor", "auth/gone"),
  });
  try {
    expect(await actor.revoke(minted)).toMatchObject({
      kind: "refused",
      reason: "not_permitted",
      fix: /update on auth\/token\/revoke-accessor/,
    });
    expect(await vault.provider.check(never)).toMatchObject({ fault: /lacks update on auth\/token\/revoke-accessor/ });
    expect(await readSecret(bao.url, tokenIn(minted.credential))).toBe(200);
  } finally {
    await bao.must("PUT", "sys/policies/acl/mayfly", { policy });
  }
  expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
});

it("vault: a sealed server: retried for as long as it takes, nothing minted, dead once it is open again", async () => {
  const vault = keep(await startVault(bao));
  const actor = vault.actor(scope);
  const minted = await actor.mintAlive();
  await bao.must("PUT", "sys/seal");
  expect(await actor.revoke(minted)).toMatchObject({ kind: "retry", reason: "sealed" });
  expect(await actor.probe(minted)).toMatchObject({ kind: "unclear" });
  expect((await actor.mint()).outcome.kind).not.toBe("minted");
  expect(await vault.provider.check(never)).toMatchObject({ ok: false });
  await bao.must("PUT", "sys/unseal", { key: bao.unsealKey });
  await expect.poll(async () => (await bao.ask("GET", "sys/health")).status).toBe(200);
  expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
  expect(await readSecret(bao.url, tokenIn(minted.credential))).toBe(403);
});
