/** What a real server would not give, or what nobody could take back: rejected at the mint, and told by the check where it can. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { MintOutcome } from "../../../src/ports/provider.ts";
import { startPreparedBao, type PreparedBao } from "../../support/openbao.ts";
import { startVault, type VaultUnderTest } from "../../support/vault-provider.ts";

let bao: PreparedBao;
let vault: VaultUnderTest;
beforeAll(async () => {
  bao = await startPreparedBao();
  vault = await startVault(bao);
});
afterAll(async () => {
  await vault.close();
  await bao.stop();
});

const scope = { policies: ["app-read"] };
const rejected = (reason: string): MintOutcome => ({ kind: "rejected", reason, retryable: false });

describe("vault: what the server would not give", () => {
  it.each<[string, JsonObject, string]>([
    ["a policy that the token role does not list", { policies: ["mayfly"] }, "token_role_refuses"],
    [
      "a path that the policies do not allow",
      { ...scope, path: "database/creds/ledger-emea", engine: "database" },
      "policies_do_not_allow_path",
    ],
    ["a path without a lease", { ...scope, path: "secret/data/app/emea", engine: "database" }, "no_lease_at_path"],
  ])("%s: rejected, nothing delivered", async (_, wanted, reason) => {
    expect((await vault.actor(wanted).mint()).outcome).toEqual(rejected(reason));
  });

  it.each([
    {
      name: "that makes no orphans",
      role: { token_type: "service" },
      fault: /orphan=true/,
      reason: "role_not_orphan",
    },
    {
      name: "that makes batch tokens, which nobody could revoke",
      role: { token_type: "batch", orphan: true },
      fault: /batch tokens/,
      reason: "token_role_refuses",
    },
  ])("a token role $name: refused by the check and at the mint", async ({ role, fault, reason }) => {
    const common = { renewable: false, allowed_policies: scope.policies };
    await bao.must("POST", "auth/token/roles/another", { ...common, ...role });
    const secrets = { VAULT_BROKER: bao.rootToken };
    const another = await startVault(bao, { tokenRole: "another" }, { secrets });
    try {
      expect(await another.provider.check(new AbortController().signal)).toMatchObject({ fault });
      for (const wrap of [{}, { wrapSeconds: 60 }])
        expect((await another.actor({ ...scope, ...wrap }).mint()).outcome).toEqual(rejected(reason));
    } finally {
      await another.close();
    }
  });
});
