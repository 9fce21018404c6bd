/** The `postgres` provider: login roles of a PostgreSQL server, each a member of the template's group roles. */
import { err, ok } from "../../src/kernel/result.ts";
import type { Provider, ProviderType } from "../../src/ports/provider.ts";
import { configurationDigest } from "../shared/configuration-digest.ts";
import { checkPostgres } from "./check.ts";
import { openDatabase } from "./database.ts";
import { listPostgres } from "./list.ts";
import { probePostgres } from "./look.ts";
import { mintPostgres, planPostgres } from "./mint.ts";
import { parseAddress, parsePostgresOptions } from "./options.ts";
import { revokePostgres, revokeRole } from "./revoke.ts";
import { parsePostgresScope, postgresCapabilities, type PostgresScope } from "./scope.ts";
import type { Server } from "./server.ts";

export const postgresProviderType: ProviderType = {
  type: "postgres",
  async create(raw, tools) {
    const parsed = parsePostgresOptions(raw);
    if (!parsed.ok) return parsed;
    const options = parsed.value;
    const url = await tools.resolveSecret(options.url);
    if (!url.ok) return err({ path: "url", message: url.fault });
    const address = parseAddress(url.value.reveal().trim());
    if (!address.ok) return err({ path: "url", message: address.fault });
    const ca = options.ca === undefined ? undefined : await tools.resolveSecret(options.ca);
    if (ca?.ok === false) return err({ path: "ca", message: ca.fault });
    const { host, port, user } = address.value;
    const server: Server = {
      options,
      address: address.value,
      database: openDatabase(address.value, ca?.value),
      mark: tools.ledger.mark,
      broker: `${tools.issuerUrl} ${tools.name}`,
      randomBytes: tools.randomBytes,
    };
    const provider: Provider<PostgresScope> = {
      type: "postgres",
      capabilities: postgresCapabilities(options),
      digest: await configurationDigest("postgres", raw, { host, port, user }),
      parseScope: (scope) => parsePostgresScope(scope, options),
      plan: (request) => planPostgres(server, request),
      mint: (request) => mintPostgres(server, request),
      revoke: (request) => revokePostgres(server, request),
      probe: (request) => probePostgres(server, request),
      list: (request) => listPostgres(server, request),
      revokeStray: ({ found, signal }) => revokeRole(server, found.handle, signal),
      check: (signal) => checkPostgres(server, signal),
      close: () => server.database.close(),
    };
    return ok(provider);
  },
};
