/**
 * What the core makes of a mint whose lifetime cannot be right: it is killed with all that was learnt of it; and of one
 * that a limit nearly refused: operators are told.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { createProviderFacade } from "../../src/broker/provider-facade.ts";
import { epochMillis, millis } from "../../src/kernel/time.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Metrics } from "../../src/ports/metrics.ts";
import type { NearLimit, Provider } from "../../src/ports/provider.ts";
import { providerName } from "../support/builders.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { mintRequest, startOfTests } from "../support/provider-requests.ts";
import { startScriptedOAuth, type ScriptedOAuth } from "../support/scripted-oauth.ts";
import { silentLog, silentMetrics } from "../support/silent.ts";

const tenYearsMillis = 10 * 365 * 24 * 3600 * 1000;
const name = providerName("ledger");

let oauth: ScriptedOAuth;
beforeAll(async () => {
  oauth = await startScriptedOAuth({ maxTokenSeconds: 600 });
});
afterAll(() => oauth.close());

function mintBy(provider: Provider, log: Log = silentLog, metrics: Metrics = silentMetrics) {
  const clock = createManualClock(startOfTests);
  const lookup = { issuing: () => provider, revoking: () => provider };
  const facade = createProviderFacade({ lookup, clock, log, metrics });
  const { signal: _, ...request } = mintRequest({ scopes: ["read"], resource: null });
  return facade.mint({ name, provider }, request, millis(5_000));
}

/** The same provider, of which only the lifetime is another. */
const livingUntil = (provider: Provider, nativeExpiresAt: number): Provider => ({
  ...provider,
  async mint(request) {
    const outcome = await provider.mint(request);
    if (outcome.kind !== "minted") return outcome;
    return { ...outcome, minted: { ...outcome.minted, nativeExpiresAt: epochMillis(nativeExpiresAt) } };
  },
});

it.each<[string, number, number, number]>([
  ["over when it comes", 0, 0, 600_000],
  ["over long ago", 60, -3_600_000, 600_000],
  ["not a number", 60, Number.NaN, 600_000],
  ["longer than anyone gives", 60, 2 * tenYearsMillis, tenYearsMillis],
])("a lifetime that is %s", async (_, expiresIn, nativeMillis, believedMillis) => {
  oauth.answer("/token", 200, { access_token: "opaque-token", token_type: "Bearer", expires_in: expiresIn });
  const outcome = await mintBy(livingUntil(oauth.provider, startOfTests + nativeMillis));
  if (outcome.kind !== "minted") throw new Error(`the mint was ${outcome.kind}: what was learnt of it is lost`);
  expect(outcome.minted.granted?.wider).toBe(true);
  expect(outcome.minted.secretToKeep?.reveal()).toBe("opaque-token");
  expect(outcome.minted.nativeExpiresAt).toBe(startOfTests + believedMillis);
});

it("a lifetime that can be right is left as it is", async () => {
  oauth.answer("/token", 200, { access_token: "opaque-token", token_type: "Bearer", expires_in: 60, scope: "read" });
  const outcome = await mintBy(oauth.provider);
  if (outcome.kind !== "minted") throw new Error(outcome.kind);
  expect(outcome.minted.granted).toEqual({ wider: false, scope: "read" });
  expect(outcome.minted.nativeExpiresAt).toBe(startOfTests + 60_000);
});

it.each<[string, NearLimit | undefined]>([
  ["told of, where a limit is near", { limit: "packed_policy_size", percent: 85 }],
  ["not told of, where none is", undefined],
])("a mint is %s", async (_, nearLimit) => {
  oauth.answer("/token", 200, { access_token: "opaque-token", token_type: "Bearer", expires_in: 60, scope: "read" });
  const provider: Provider = {
    ...oauth.provider,
    async mint(request) {
      const outcome = await oauth.provider.mint(request);
      if (outcome.kind !== "minted" || nearLimit === undefined) return outcome;
      return { ...outcome, minted: { ...outcome.minted, nearLimit } };
    },
  };
  const told: unknown[] = [];
  const outcome = await mintBy(
    provider,
    { ...silentLog, warn: (event, fields) => told.push({ event, ...fields }) },
    { ...silentMetrics, count: (counted, labels) => told.push({ counted, ...labels }) },
  );
  expect(outcome.kind).toBe("minted");
  const lease: unknown = expect.stringMatching(/./);
  expect(told).toEqual(
    nearLimit === undefined
      ? []
      : [
          { event: "mint_near_limit", lease, provider: name, ...nearLimit },
          { counted: "mayfly_mints_near_limit_total", provider: name },
        ],
  );
});
