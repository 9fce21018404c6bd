/**
 * A real Glewlwyd, an OAuth 2.0 authorization server written in C, on loopback and a free port: its database in a folder
 * of its own, and its OpenID Connect module configured over its admin API for client_credentials. Access tokens are
 * JWTs (RFC 9068); its introspection knows which were revoked.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { freePort, launch, makeFolder, type ChildServer } from "./child-server.ts";

export type GlewlwydClient = { readonly id: string; readonly scopes: readonly string[] } & (
  | { readonly method: "client_secret_basic" | "client_secret_post"; readonly secret: string }
  | { readonly method: "private_key_jwt"; readonly jwks: { readonly keys: readonly JWK[] } }
);

export interface GlewlwydOptions {
  /** Where clients reach it, where something stands in front of it. */
  readonly externalUrl?: string;
  readonly clients: readonly GlewlwydClient[];
  /** The resource indicator (RFC 8707) of each scope, which is the audience of its tokens. */
  readonly scopes: Readonly<Record<string, string>>;
  /** Bearers of a token with this scope may introspect tokens of every client, as an API does. */
  readonly introspectionScope: string;
  readonly tokenSeconds: number;
}

export interface GlewlwydServer extends ChildServer {
  /** Where it really listens. */
  readonly url: string;
  readonly issuer: string;
  readonly paths: typeof paths;
}

const base = "/api/oidc";
const paths = {
  token: `${base}/token`,
  introspection: `${base}/introspect`,
  revocation: `${base}/revoke`,
  jwks: `${base}/jwks`,
} as const;
const program = "/usr/bin/glewlwyd";
const schema = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";

/** Without dbconfig-no-thanks the package sets up a database of the machine's own. */
export const glewlwydInstall: readonly string[] = "apt-get install -y glewlwyd dbconfig-no-thanks".split(" ");
export const isGlewlwydThere = (): boolean => existsSync(program) && existsSync(schema);

export async function startGlewlwyd(options: GlewlwydOptions): Promise<GlewlwydServer> {
  if (!isGlewlwydThere()) throw new Error(`Glewlwyd is missing; run: ${glewlwydInstall.join(" ")}`);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const externalUrl = options.externalUrl ?? url;
  const folder = makeFolder("glewlwyd");
  const database = new DatabaseSync(join(folder, "glewlwyd.db"));
  database.exec(readFileSync(schema, "utf8"));
  database.close();
  const configuration = join(folder, "glewlwyd.conf");
  writeFileSync(configuration, configurationOf({ port, externalUrl, folder }));
  const server = await launch({
    command: program,
    args: [`--config-file=${configuration}`],
    sign: `started on port ${port}`,
    folder,
    stopSignal: "SIGKILL",
    env: { PATH: process.env["PATH"] },
  });
  const issuer = `${externalUrl}${base}`;
  try {
    await listening(url, server);
    await configure(url, issuer, options);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { ...server, url, issuer, paths };
}

/** It says that it started a moment before it listens. */
async function listening(url: string, server: ChildServer): Promise<void> {
  for (let attempt = 0; attempt < 250; attempt += 1) {
    const answer = await fetch(`${url}/config`).catch(() => null);
    await answer?.body?.cancel();
    if (answer !== null) return;
    await wait(20);
  }
  throw new Error(`Glewlwyd does not listen:\n${server.said}`);
}

/** Its own format; texts need no escape, because they are made here. */
function configurationOf(options: { port: number; externalUrl: string; folder: string }): string {
  const modules = ["user", "client", "user_auth_scheme", "plugin"].map((kind) => {
    const folder = kind === "user_auth_scheme" ? "scheme" : kind;
    return `${kind}_module_path="/usr/lib/glewlwyd/${folder}"`;
  });
  return [
    `bind_address="127.0.0.1"`,
    `port=${options.port}`,
    `external_url="${options.externalUrl}"`,
    `login_url="login.html"`,
    `api_prefix="api"`,
    `log_mode="console"`,
    `log_level="INFO"`,
    `session_key="session"`,
    `session_expiration=3600`,
    `cookie_secure=0`,
    `admin_scope="g_admin"`,
    `profile_scope="g_profile"`,
    `hash_algorithm="SHA512"`,
    ...modules,
    `database={ type="sqlite3"; path="${join(options.folder, "glewlwyd.db")}"; };`,
  ].join("\n");
}

async function configure(url: string, issuer: string, options: GlewlwydOptions): Promise<void> {
  const admin = await logIn(url);
  const scopes = [...Object.keys(options.scopes), options.introspectionScope];
  for (const name of scopes) await admin("scope", { name, display_name: name, password_required: false, scheme: {} });
  await admin("mod/plugin", {
    module: "oidc",
    name: "oidc",
    display_name: "OpenID Connect",
    order_rank: 0,
    parameters: await moduleParameters(issuer, options),
  });
  for (const client of options.clients) await admin("client", clientRow(client, Object.values(options.scopes)));
}

async function moduleParameters(issuer: string, options: GlewlwydOptions): Promise<object> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { key_ops: _operations, ext: _extractable, ...key } = await exportJWK(privateKey);
  const grants = ["code", "token", "implicit", "password", "refresh", "device", "none"];
  return {
    iss: issuer,
    "jwt-type": "ecdsa",
    "jwt-key-size": "256",
    "jwks-private": JSON.stringify({ keys: [{ ...key, alg: "ES256", kid: "signing" }] }),
    "default-kid": "signing",
    "jwks-show": true,
    "allowed-scope": ["openid", ...Object.keys(options.scopes)],
    "access-token-duration": options.tokenSeconds,
    "refresh-token-duration": options.tokenSeconds,
    "code-duration": options.tokenSeconds,
    "refresh-token-rolling": false,
    "session-cookie-name": "oidc",
    "session-cookie-expiration": 3600,
    "allow-non-oidc": true,
    "auth-type-client-enabled": true,
    ...Object.fromEntries(grants.map((grant) => [`auth-type-${grant}-enabled`, false])),
    "resource-allowed": true,
    "resource-scope": Object.fromEntries(
      Object.entries(options.scopes).map(([scope, resource]) => [scope, [resource]]),
    ),
    "resource-client-property": "resource",
    "resource-scope-and-client-property": false,
    "introspection-revocation-allowed": true,
    "introspection-revocation-allow-target-client": true,
    "introspection-revocation-auth-scope": [options.introspectionScope],
    // Names what it reads client assertions by.
    "request-parameter-allow": true,
    "request-maximum-exp": 3600,
    "client-jwks-parameter": "jwks",
  };
}

const clientRow = (client: GlewlwydClient, resources: readonly string[]): object => ({
  client_id: client.id,
  name: client.id,
  enabled: true,
  confidential: true,
  scope: client.scopes,
  authorization_type: ["client_credentials"],
  token_endpoint_auth_method: [client.method],
  redirect_uri: [],
  resource: [...new Set(resources)],
  ...(client.method === "private_key_jwt" ? { jwks: client.jwks } : { client_secret: client.secret }),
});

/** As the administrator that the schema comes with. Answers what adds a row by the admin API. */
async function logIn(url: string): Promise<(path: string, row: object) => Promise<void>> {
  const send = (path: string, body: object, cookie: string): Promise<Response> =>
    fetch(`${url}/api/${path}/`, {
      method: "POST",
      headers: { "content-type": "application/json", cookie },
      body: JSON.stringify(body),
    });
  const login = await send("auth", { username: "admin", password: "password" }, "");
  const cookie = login.headers.getSetCookie()[0]?.split(";")[0];
  if (login.status !== 200 || cookie === undefined) throw new Error(`Glewlwyd's login answered ${login.status}`);
  return async (path, row) => {
    const answer = await send(path, row, cookie);
    if (answer.status !== 200) throw new Error(`Glewlwyd's ${path} answered ${answer.status}: ${await answer.text()}`);
  };
}
