/** The `vault` provider: one token a task at HashiCorp Vault or OpenBao, or what a path of theirs gives to it. */
import { ok } from "../../src/kernel/result.ts";
import type { Provider, ProviderType } from "../../src/ports/provider.ts";
import { configurationDigest } from "../shared/configuration-digest.ts";
import { createBrokerCall } from "./broker-call.ts";
import { checkVault } from "./check.ts";
import { createVaultClient } from "./client.ts";
import { createStraySearch } from "./find-strays.ts";
import { listVault, revokeStrayVault } from "./list.ts";
import { createLogin } from "./login.ts";
import { mintVault, planVault } from "./mint.ts";
import { parseVaultOptions } from "./options.ts";
import type { VaultParts } from "./parts.ts";
import { probeVault } from "./probe.ts";
import { revokeVault } from "./revoke.ts";
import { capabilitiesOf, parseVaultScope, type VaultScope } from "./scope.ts";
import { createSession } from "./session.ts";

export const vaultProviderType: ProviderType = {
  type: "vault",
  async create(raw, tools) {
    const parsed = parseVaultOptions(raw);
    if (!parsed.ok) return parsed;
    const options = parsed.value;
    const { address, namespace } = options;
    const { http, now, after, ledger } = tools;
    const client = createVaultClient({ address, namespace, http, now });
    const login = await createLogin(options.login, client, tools);
    if (!login.ok) return login;
    const session = createSession(login.value, { now, after });
    const asBroker = createBrokerCall(client, session);
    const strays = createStraySearch(asBroker, ledger.mark);
    const parts: VaultParts = { options, client, asBroker, strays, now };
    const provider: Provider<VaultScope> = {
      type: "vault",
      capabilities: capabilitiesOf(options),
      // Whoever may revoke there may revoke all: how the broker logs in does not matter.
      digest: await configurationDigest("vault", raw, { address, namespace: namespace ?? null }),
      parseScope: (scope) => parseVaultScope(scope, options),
      plan: ({ scope }) => planVault(scope, options),
      mint: (request) => mintVault(parts, ledger.mark, request),
      revoke: (request) => revokeVault(parts, request),
      probe: (request) => probeVault(parts, request),
      ...(options.listing
        ? { list: (request) => listVault(parts, request), revokeStray: (request) => revokeStrayVault(parts, request) }
        : {}),
      check: (signal) => checkVault(parts, signal),
      close: async () => session.close(),
    };
    return ok(provider);
  },
};
