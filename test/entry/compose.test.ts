/** What only a composed broker shows: the mode that it was started in reaches what it says of its policy. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { compose } from "../../src/entry/compose.ts";
import { parseServeOptions } from "../../src/entry/config.ts";
import { generateSealingKeys, generateSigningKeys } from "../../src/keys/generate.ts";
import { realClock } from "../support/real-clock.ts";
import { createSeededEntropy } from "../support/seeded-entropy.ts";

const policy = `apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: sso }
spec: { type: oauth, issuer: 'http://sso.invalid', clientId: me, clientSecret: { env: SECRET }, clientAuth: client_secret_basic }
`;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayfly-compose-"));
  await writeFile(join(dir, "policy.yaml"), policy);
});
afterEach(() => rm(dir, { recursive: true }));

it.each<[string, { readonly development?: boolean }, number]>([
  ["production", {}, 1],
  ["development", { development: true }, 0],
])("a provider on plain http is told at a start in %s as often as it matters", async (_, mode, times) => {
  const entropy = createSeededEntropy(1);
  const env = {
    SECRET: "s",
    MAYFLY_SEALING_KEYS: generateSealingKeys(entropy).reveal(),
    MAYFLY_SIGNING_KEYS: (await generateSigningKeys()).reveal(),
  };
  const flags = { policy: dir, ledger: `sqlite:${join(dir, "ledger.db")}`, issuer: "https://broker.invalid", ...mode };
  const options = parseServeOptions(flags, env);
  if (!options.ok) throw new Error(JSON.stringify(options.fault));
  const told: string[] = [];
  const tell = (event: string, fields: object = {}): void => void told.push(`${event} ${JSON.stringify(fields)}`);
  const log = { info: tell, warn: tell, error: tell };
  const machine = { env, clock: realClock, entropy, log, onFatal: () => {} };
  const composed = await compose({ ...options.value, issuerUrl: "https://broker.invalid" }, machine);
  if (!composed.ok) throw new Error(composed.fault.message);
  await composed.value.close();
  expect(told.filter((line) => /^policy_warning .*plain http/.test(line))).toHaveLength(times);
  expect(told.filter((line) => /^provider_kill_not_seen .*sso/.test(line))).toHaveLength(1);
});
