/** Tokens of a real OpenBao, from attestation to refused read. */
import { readSecret, startPreparedBao } from "../support/openbao.ts";
import { describeRealProvider } from "../support/flow/real-provider.ts";
import type { Body } from "../support/flow/client.ts";

describeRealProvider("vault, on OpenBao", "dead-verified", async () => {
  const bao = await startPreparedBao();
  const reads = async ({ access_token: token = "" }: Body, path?: string): Promise<boolean> =>
    (await readSecret(bao.url, token, path)) === 200;
  return {
    provider: { type: "vault", address: bao.url, auth: "token", token: { env: "FLOW_VAULT_TOKEN" }, listing: true },
    template: { scope: { policies: ["app-read"] }, allowEarlyKill: true, requires: { revocation: ["immediate"] } },
    env: { FLOW_VAULT_TOKEN: await bao.brokerToken() },
    works: (answer) => reads(answer),
    oversteps: (answer) => reads(answer, "sys/policies/acl/app-read"),
    close: () => bao.stop(),
  };
});
