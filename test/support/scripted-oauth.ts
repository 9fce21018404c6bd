/**
 * An oauth provider in front of a server that answers exactly what a test says, for the answers that no honest server
 * gives. Honest behaviour is tested with a real one.
 */
import { oauthProviderType } from "../../providers/oauth/index.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { epochMillis } from "../../src/kernel/time.ts";
import type { Provider } from "../../src/ports/provider.ts";
import { startFaultProxy, type Break, type FaultProxy } from "./fault-proxy.ts";
import { createProvider, createTestTools } from "./provider-tools.ts";

export const metadataPath = "/.well-known/oauth-authorization-server";
export const openIdPath = "/.well-known/openid-configuration";

export interface ScriptedOAuth {
  readonly url: string;
  readonly provider: Provider;
  readonly server: FaultProxy;
  /** What the server publishes when asked; its issuer and endpoints unless told otherwise. */
  publish(metadata: JsonObject): void;
  answer(path: string, status: number, body: unknown, headers?: Record<string, string>): void;
  /** How often a path was asked for. */
  count(path: string): number;
  /** Moves the provider's clock. */
  advance(span: number): void;
  close(): Promise<void>;
}

export const scriptedAnswer = (status: number, body: unknown, headers: Record<string, string> = {}): Break => ({
  kind: "answer",
  status,
  headers,
  body: typeof body === "string" ? body : JSON.stringify(body),
});

export async function startScriptedOAuth(options: JsonObject = {}): Promise<ScriptedOAuth> {
  const server = await startFaultProxy();
  let now = Date.UTC(2026, 10, 22, 10);
  const tools = await createTestTools({ now: () => epochMillis(now), secrets: { SECRET: "s3cret" } });
  const answer: ScriptedOAuth["answer"] = (path, status, body, headers) =>
    server.breakPath(path, scriptedAnswer(status, body, headers));
  const publish: ScriptedOAuth["publish"] = (metadata) =>
    answer(metadataPath, 200, {
      issuer: server.url,
      token_endpoint: `${server.url}/token`,
      revocation_endpoint: `${server.url}/revoke`,
      introspection_endpoint: `${server.url}/introspect`,
      ...metadata,
    });
  publish({});
  return {
    url: server.url,
    provider: await createProvider(oauthProviderType, { issuer: server.url, clientId: "broker", ...options }, tools),
    server,
    publish,
    answer,
    count: (path) => server.seen.filter((request) => request.path === path).length,
    advance: (span) => {
      now += span;
    },
    async close() {
      await Promise.all([tools.close(), server.close()]);
    },
  };
}
