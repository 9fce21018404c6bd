/** What a provider is handed, on real parts: a fresh signing ring, the real HTTP client, the machine's clock. */
import { serveOnLoopback, type Loopback } from "../../scripts/servers/loopback.ts";
import { createProviderLedger } from "../../src/broker/provider-ledger.ts";
import { openMemoryLedger } from "../../src/engines/memory/ledger.ts";
import { emptyState } from "../../src/engines/memory/state.ts";
import { createNodeHttpClient } from "../../src/entry/node-http-client.ts";
import { nodeSigning } from "../../src/entry/node-signing.ts";
import { generateSigningKeys } from "../../src/keys/generate.ts";
import { parseSigningKeys } from "../../src/keys/signing-keys.ts";
import { createSigningRing } from "../../src/keys/signing-ring.ts";
import { brand } from "../../src/kernel/brand.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { err, ok } from "../../src/kernel/result.ts";
import type { Provider, ProviderTools, ProviderType } from "../../src/ports/provider.ts";
import type { TokenSigner } from "../../src/ports/token-signer.ts";
import { createSeededEntropy } from "./seeded-entropy.ts";
import { realClock } from "./real-clock.ts";

export interface TestTools extends ProviderTools {
  close(): Promise<void>;
}

export const brokerUrl = "https://broker.example";

/** What a signer of tests was made of, for those who make it again elsewhere. */
const ringTexts = new WeakMap<TokenSigner, Redacted>();
export const ringTextOf = (signer: TokenSigner): Redacted | undefined => ringTexts.get(signer);

export async function createTestSigner(): Promise<TokenSigner> {
  const text = await generateSigningKeys();
  const keys = await parseSigningKeys(text);
  if (!keys.ok) throw new Error(keys.fault.message);
  const ring = await createSigningRing({ keys: keys.value, primitive: nodeSigning, now: () => realClock.now() });
  if (!ring.ok) throw new Error(ring.fault.message);
  ringTexts.set(ring.value, text);
  return ring.value;
}

/** The broker's `/jwks`, as authorization servers and APIs fetch it. */
export const publishKeys = (signer: TokenSigner): Promise<Loopback> =>
  serveOnLoopback((_, response) => {
    response.writeHead(200, { "content-type": "application/jwk-set+json" });
    response.end(JSON.stringify({ keys: signer.publicKeys() }));
  });

/** `secrets` is the environment that `{ env: NAME }` reads. */
export async function createTestTools(
  wish: { secrets?: Record<string, string> } & Partial<ProviderTools> = {},
): Promise<TestTools> {
  const { secrets = {}, ...rest } = wish;
  const http = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 8 });
  return {
    name: "under-test",
    issuerUrl: brokerUrl,
    http,
    ledger: createProviderLedger({
      ledger: openMemoryLedger({ clock: realClock, state: emptyState() }),
      entropy: createSeededEntropy(1),
      mark: "testledger",
      name: brand("under-test"),
    }),
    signer: rest.signer ?? (await createTestSigner()),
    now: () => realClock.now(),
    after: (delay, callback) => realClock.after(delay, callback),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    async resolveSecret(reference) {
      const name = (reference as JsonObject)["env"];
      const value = typeof name === "string" ? secrets[name] : undefined;
      return value === undefined ? err("the environment has no such name") : ok(new Redacted(value, "test secret"));
    },
    ...rest,
    close: () => http.close(),
  };
}

type CreateProvider = (type: ProviderType, options: JsonObject, tools: ProviderTools) => Promise<Provider>;

let createElsewhere: CreateProvider | undefined;

/** From now on providers of this test file live where `create` puts them. */
export function placeProviders(create: CreateProvider): void {
  createElsewhere = create;
}

export const createProvider: CreateProvider = (type, options, tools) =>
  (createElsewhere ?? createProviderHere)(type, options, tools);

export async function createProviderHere(
  type: ProviderType,
  options: JsonObject,
  tools: ProviderTools,
): Promise<Provider> {
  const provider = await type.create(options, tools);
  if (!provider.ok) throw new Error(`${provider.fault.path} ${provider.fault.message}`);
  return provider.value;
}
