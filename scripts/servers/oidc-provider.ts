/**
 * What the OAuth server and the OIDC issuer have in common: the oidc-provider package on loopback, configured by
 * clients and resources instead of its several hundred options.
 */
import type { RequestListener } from "node:http";
import {
  errors,
  Provider,
  type AdapterFactory,
  type AdapterPayload,
  type ClientMetadata,
  type Configuration,
  type JWK,
} from "oidc-provider";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import { serveOnLoopback } from "./loopback.ts";

export type ServerClient = { readonly id: string } & (
  | { readonly method: "client_secret_basic" | "client_secret_post"; readonly secret: string }
  | { readonly method: "private_key_jwt"; readonly jwks: { readonly keys: readonly JWK[] } }
  /** The keys are fetched when they are needed: they may be published later. */
  | { readonly method: "private_key_jwt"; readonly jwksUri: string }
);

export interface ServerResource {
  /** The resource indicator (RFC 8707) that tokens are asked for, and their audience. */
  readonly url: string;
  readonly scopes: readonly string[];
  readonly format: "opaque" | "jwt";
  readonly ttlSeconds: number;
}

export interface ServerOptions {
  readonly port?: number;
  /** What the server calls itself, where something stands in front of it. */
  readonly issuer?: string;
  readonly clients: readonly ServerClient[];
  readonly resources: readonly ServerResource[];
  /** Told of each opaque token in the instant in which it begins to live, whether or not its answer arrives. */
  readonly onToken?: (token: string) => void;
  /** Told of each opaque token in the instant in which it dies by a revocation. */
  readonly onRevoked?: (token: string) => void;
}

export interface RunningServer {
  readonly issuer: string;
  /** Where it really listens. */
  readonly url: string;
  close(): Promise<void>;
}

const paths = {
  token: "/token",
  introspection: "/token/introspection",
  revocation: "/token/revocation",
  jwks: "/jwks",
} as const;

export async function startOidcProvider(options: ServerOptions): Promise<RunningServer & { paths: typeof paths }> {
  const configuration = await configurationOf(options);
  let handle: RequestListener = (_, response) => response.writeHead(503).end();
  const loopback = await serveOnLoopback((request, response) => handle(request, response), options.port);
  const issuer = options.issuer ?? loopback.url;
  const provider = new Provider(issuer, configuration);
  // The value of an opaque token is its id.
  provider.on("client_credentials.saved", ({ jti }) => options.onToken?.(jti));
  provider.on("client_credentials.destroyed", ({ jti }) => options.onRevoked?.(jti));
  const callback = provider.callback();
  handle = (request, response) => void callback(request, response);
  return { issuer, url: loopback.url, paths, close: () => loopback.close() };
}

async function configurationOf(options: ServerOptions): Promise<Configuration> {
  const resources = new Map(options.resources.map((resource) => [resource.url, resource]));
  return {
    adapter: memoryAdapter(),
    jwks: { keys: [await freshKey()] },
    cookies: { keys: [crypto.randomUUID()] },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    clients: options.clients.map(clientMetadata),
    scopes: [...new Set(options.resources.flatMap(({ scopes }) => scopes))],
    routes: paths,
    ttl: { ClientCredentials: (_, token) => token.resourceServer?.accessTokenTTL ?? 600 },
    fetch: (url, init) => fetch(url, withoutGuard(init)),
    clientBasedCORS: () => false,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => ownToken(client.clientId, token.clientId) },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_, url) {
          const resource = resources.get(url);
          if (resource === undefined) throw new errors.InvalidTarget();
          return {
            scope: resource.scopes.join(" "),
            audience: url,
            accessTokenFormat: resource.format,
            accessTokenTTL: resource.ttlSeconds,
            jwt: { sign: { alg: "ES256" } },
          };
        },
      },
    },
  };
}

/**
 * The package's guard refuses to fetch keys from loopback, which is where everything lives here. The only addresses
 * that it fetches are the `jwksUri` of the clients above.
 */
function withoutGuard(init: RequestInit | undefined): RequestInit {
  const { dispatcher: _guard, ...rest }: RequestInit & { dispatcher?: unknown } = init ?? {};
  return rest;
}

/** As RFC 7009 §2.1 demands, and as oidc-provider does by default. */
function ownToken(clientId: string, tokenClientId: string | undefined): boolean {
  if (clientId !== tokenClientId)
    throw new errors.InvalidRequest("client is not authorized to revoke the presented token");
  return true;
}

function clientMetadata(client: ServerClient): ClientMetadata {
  const common = {
    client_id: client.id,
    token_endpoint_auth_method: client.method,
    grant_types: ["client_credentials"],
    response_types: [],
    redirect_uris: [],
  };
  if (client.method !== "private_key_jwt") return { ...common, client_secret: client.secret };
  const keys = "jwks" in client ? { jwks: { keys: [...client.jwks.keys] } } : { jwks_uri: client.jwksUri };
  return { ...common, ...keys, token_endpoint_auth_signing_alg: "ES256" };
}

/**
 * Operations and extractability, which a generator writes down, would keep the server from signing with the key. The
 * key id changes with the key, so that a cache of an earlier run never takes the new key for its own.
 */
async function freshKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { key_ops: _operations, ext: _extractable, ...key } = await exportJWK(privateKey);
  return { ...key, alg: "ES256", use: "sig", kid: await calculateJwkThumbprint(key) };
}

/** The package's own in-memory store warns on every start; this one is as short-lived and says nothing. */
function memoryAdapter(): AdapterFactory {
  const rows = new Map<string, { payload: AdapterPayload; expiresAt: number }>();
  const dropExpired = (): void => {
    for (const [key, { expiresAt }] of rows) if (expiresAt <= Date.now()) rows.delete(key);
  };
  return (model) => {
    const key = (id: string): string => `${model}:${id}`;
    const find = async (id: string): Promise<AdapterPayload | undefined> => {
      const row = rows.get(key(id));
      return row !== undefined && Date.now() < row.expiresAt ? row.payload : undefined;
    };
    return {
      find,
      findByUid: find,
      findByUserCode: find,
      async upsert(id, payload, expiresIn) {
        if (rows.size % 1000 === 999) dropExpired();
        rows.set(key(id), { payload, expiresAt: Date.now() + (expiresIn ?? 3600) * 1000 });
      },
      async consume() {},
      async destroy(id) {
        rows.delete(key(id));
      },
      async revokeByGrantId() {},
    };
  };
}
