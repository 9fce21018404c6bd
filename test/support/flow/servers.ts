/**
 * The world around a broker, on real parts: an OIDC issuer, two issuers that sign what a test asks for, two OAuth
 * servers of which one stands behind a proxy that can break. Everything listens on free ports of loopback.
 */
import { randomBytes } from "node:crypto";
import { startOidcIssuer, type OidcIssuer } from "../../../scripts/servers/oidc-issuer.ts";
import { startFaultProxy, type FaultProxy } from "../fault-proxy.ts";
import { startIssuer, type ServedIssuer } from "../issuer-server.ts";
import { startOAuthServer, type OAuthServer } from "../oauth-server.ts";
import { agents, brokerAudience, ledgerAudience, stranger, type PolicyPlaces } from "./policy.ts";

export interface Servers {
  readonly workloads: OidcIssuer;
  readonly forge: ServedIssuer;
  readonly once: ServedIssuer;
  /** The first OAuth server as the broker reaches it. */
  readonly proxy: FaultProxy;
  readonly places: PolicyPlaces;
  /** What the broker's environment must hold. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Asks the OAuth servers themselves, past the proxy, whether one of them honours the token. */
  isAlive(token: string): Promise<boolean>;
  close(): Promise<void>;
}

const paths = { token: "/token", introspection: "/token/introspection", revocation: "/token/revocation" } as const;
export { paths as oauthPaths };

/** With characters that each encoding writes differently, so that a leak shows in its own way. */
const newSecret = (): string => `c4n+ry/${randomBytes(18).toString("base64url")}=&%~`;

export async function startServers(): Promise<Servers> {
  const secret = newSecret();
  const proxy = await startFaultProxy();
  const clients = ["mayfly", "ledger-api"].map((id) => ({ id, method: "client_secret_basic" as const, secret }));
  const scopes = ["ledger:read:emea", "ledger:read:apac"];
  const resources = [{ url: ledgerAudience, scopes, format: "opaque" as const, ttlSeconds: 600 }];
  const oauth = await startOAuthServer({ issuer: proxy.url, clients, resources });
  proxy.forwardTo(oauth.url);
  const otherOauth = await startOAuthServer({ clients, resources });
  const names = [...Object.keys(agents), stranger];
  const workloads = await startOidcIssuer({
    audiences: [brokerAudience, "https://another-broker.example"],
    workloads: names.map((id) => ({ id, secret: randomBytes(18).toString("base64url") })),
    lifetimeSeconds: 3600,
  });
  const [forge, once] = [await startIssuer(), await startIssuer()];
  return {
    workloads,
    forge,
    once,
    proxy,
    secrets: { FLOW_CLIENT_SECRET: secret },
    places: {
      workloads: workloads.issuer,
      forge: forge.url,
      once: once.url,
      oauth: proxy.url,
      otherOauth: otherOauth.issuer,
    },
    async isAlive(token) {
      const answers = await Promise.all([oauth, otherOauth].map((server) => introspect(server, secret, token)));
      return answers.includes(true);
    },
    async close() {
      await Promise.all([oauth, otherOauth, workloads, forge, once, proxy].map((server) => server.close()));
    },
  };
}

async function introspect(server: OAuthServer, secret: string, token: string): Promise<boolean> {
  const pair = ["ledger-api", secret].map((part) => new URLSearchParams([["", part]]).toString().slice(1)).join(":");
  const answer = await fetch(server.introspectionEndpoint, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(pair)}` },
    body: new URLSearchParams({ token }),
  });
  const body = (await answer.json()) as { active?: boolean };
  if (typeof body.active !== "boolean") throw new Error(`the OAuth server answered ${answer.status}`);
  return body.active;
}
