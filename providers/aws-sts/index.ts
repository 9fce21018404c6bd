/** The `aws-sts` provider: sessions of AWS roles, each with its own policy and deadline, killed by name. */
import { ok } from "../../src/kernel/result.ts";
import type { Provider, ProviderType, UndoneRequest } from "../../src/ports/provider.ts";
import { configurationDigest } from "../shared/configuration-digest.ts";
import { checkAwsSts } from "./check.ts";
import { createClient } from "./client.ts";
import { findEnded } from "./find-ended.ts";
import { findUndone } from "./find-undone.ts";
import { mintAwsSts, planAwsSts } from "./mint.ts";
import { parseAwsStsOptions } from "./options.ts";
import { revokeAwsSts } from "./revoke.ts";
import { awsStsCapabilities, parseAwsStsScope, type AwsStsScope } from "./scope.ts";

export const awsStsProviderType: ProviderType = {
  type: "aws-sts",
  async create(raw, tools) {
    const parsed = parseAwsStsOptions(raw);
    if (!parsed.ok) return parsed;
    const options = parsed.value;
    const created = await createClient(options, tools);
    if (!created.ok) return created;
    const client = created.value;
    const [anyRole] = options.roles;
    const provider: Provider<AwsStsScope> = {
      type: "aws-sts",
      capabilities: awsStsCapabilities(options),
      // A role's ARN names its account, but not on every server: there the address does.
      digest: await configurationDigest("aws-sts", raw, {
        account: anyRole?.account ?? "",
        iam: options.endpoints.iam,
      }),
      parseScope: (scope) => parseAwsStsScope(scope, options),
      plan: planAwsSts,
      mint: (request) => mintAwsSts(client, request),
      revoke: (request) => revokeAwsSts(client, request),
      ...(client.probe === undefined ? {} : { probe: client.probe }),
      findUndone: (request) => findUndone(client, request),
      ...(options.overflow === "cutoff" ? { findEnded: (request: UndoneRequest) => findEnded(client, request) } : {}),
      check: (signal) => checkAwsSts(client, signal),
      async close() {
        client.writer.close();
      },
    };
    return ok(provider);
  },
};
