/** The `oauth` provider: access tokens of any OAuth 2.0 authorization server, by client_credentials. */
import { ok } from "../../src/kernel/result.ts";
import type { Provider, ProviderType } from "../../src/ports/provider.ts";
import { configurationDigest } from "../shared/configuration-digest.ts";
import type { Client } from "./call.ts";
import { checkOAuth } from "./check.ts";
import { createClientAuth } from "./client-auth.ts";
import { createDiscovery } from "./discovery.ts";
import { mintOAuth, planOAuth } from "./mint.ts";
import { parseOAuthOptions } from "./options.ts";
import { probeOAuth } from "./probe.ts";
import { revokeOAuth } from "./revoke.ts";
import { oauthCapabilities, parseOAuthScope, type OAuthScope } from "./scope.ts";

export const oauthProviderType: ProviderType = {
  type: "oauth",
  async create(raw, tools) {
    const parsed = parseOAuthOptions(raw);
    if (!parsed.ok) return parsed;
    const options = parsed.value;
    const authenticate = await createClientAuth(options, tools);
    if (!authenticate.ok) return authenticate;
    const client: Client = {
      options,
      discovery: createDiscovery(options, tools),
      authenticate: authenticate.value,
      http: tools.http,
      now: tools.now,
    };
    const provider: Provider<OAuthScope> = {
      type: "oauth",
      capabilities: oauthCapabilities(options),
      digest: await configurationDigest("oauth", raw, { issuer: options.issuer, clientId: options.clientId }),
      parseScope: (scope) => parseOAuthScope(scope, options),
      plan: () => planOAuth(options),
      mint: (request) => mintOAuth(client, request),
      revoke: (request) => revokeOAuth(client, request),
      ...(options.introspection ? { probe: (request) => probeOAuth(client, request) } : {}),
      check: (signal) => checkOAuth(client, tools.randomBytes, signal),
      close: async () => undefined,
    };
    return ok(provider);
  },
};
