/** How long a credential is of use after the order to kill it, by using it at the system itself. Prints the figures. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "pg";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { MintedLease } from "../../kit/provider/harness.ts";
import { readSecret } from "../../support/openbao.ts";
import { startBaoWithDatabase, type BaoWithDatabase } from "../../support/openbao-database.ts";
import { startVault, textIn, tokenIn, type VaultUnderTest } from "../../support/vault-provider.ts";

/** The quick run only looks whether it still works. */
const credentials = process.env["MAYFLY_TEST_QUICK"] === "1" ? 20 : 200;
/** Far above what was measured, and far below what would hide a queue. */
const longestMillis = 2_000;

let servers: BaoWithDatabase;
let vault: VaultUnderTest;
beforeAll(async () => {
  servers = await startBaoWithDatabase();
  vault = await startVault(servers.bao, { listing: true });
});
afterAll(async () => {
  await vault.close();
  await servers.stop();
});

async function canLogIn({ credential }: MintedLease): Promise<boolean> {
  const login = { user: textIn(credential, "username"), password: textIn(credential, "password") };
  const client = new Client({ connectionString: servers.postgres.url(login) });
  try {
    await client.connect();
    return (await client.query("select amount from ledger")).rowCount === 1;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const canRead = async ({ credential }: MintedLease): Promise<boolean> =>
  (await readSecret(servers.bao.url, tokenIn(credential))) === 200;

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

describe("vault: kill time", () => {
  it.each<[string, JsonObject, (minted: MintedLease) => Promise<boolean>]>([
    ["the task's token", { policies: ["app-read"] }, canRead],
    ["a leased login", { policies: ["ledger-db"], path: "database/creds/ledger-emea", engine: "database" }, canLogIn],
  ])("%s: order to refused use", { timeout: 120_000 }, async (name, scope, works) => {
    const actor = vault.actor(scope);
    const killed: number[] = [];
    const refused: number[] = [];
    for (let made = 0; made < credentials; made += 1) {
      const minted = await actor.mintAlive();
      expect(await works(minted)).toBe(true);
      const ordered = performance.now();
      expect(await actor.revoke(minted)).toEqual({ kind: "dead-verified" });
      killed.push(performance.now() - ordered);
      expect(await works(minted)).toBe(false);
      refused.push(performance.now() - ordered);
    }
    const shown = (times: number[]): string => {
      const sorted = times.toSorted((left, right) => left - right);
      return `p50 ${quantile(sorted, 0.5).toFixed(1)} ms, p99 ${quantile(sorted, 0.99).toFixed(1)} ms`;
    };
    console.log(
      `vault kill time, ${name}, ${credentials}: verified dead ${shown(killed)}; refused use ${shown(refused)}`,
    );
    expect(Math.max(...refused)).toBeLessThan(longestMillis);
  });
});
