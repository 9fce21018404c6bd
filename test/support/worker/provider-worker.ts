/** A Worker in which providers live: one Durable Object makes them as the broker at the edge does, and passes on their verbs. */
import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { createProviderLedger } from "../../../src/broker/provider-ledger.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { openMemoryLedger } from "../../../src/engines/memory/ledger.ts";
import { emptyState } from "../../../src/engines/memory/state.ts";
import { generateRings, readEdgeKeys } from "../../../src/entry/edge/key-rings.ts";
import { loadEdgeProviderType } from "../../../src/entry/edge/provider-types.ts";
import { edgeSecretResolver } from "../../../src/entry/edge/resolve-secret.ts";
import { createWebHttpClient } from "../../../src/entry/edge/web-http-client.ts";
import { createSystemEntropy, systemClock } from "../../../src/entry/system-clock.ts";
import { brand } from "../../../src/kernel/brand.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { Redacted } from "../../../src/kernel/redacted.ts";
import { unreachable } from "../../../src/kernel/unreachable.ts";
import type { Provider } from "../../../src/ports/provider.ts";
import { pack, unpack } from "./pack.ts";

export type ProviderCall =
  | (Created & { readonly call: "create"; readonly id: string })
  | {
      readonly call: "verb";
      readonly id: string;
      readonly verb: ProviderVerb;
      readonly request: object;
      readonly abort: string;
      readonly isAborted: boolean;
      /** What the ledger would say is denied. */
      readonly denied: readonly Lease[];
    }
  | { readonly call: "abort"; readonly abort: string };

export interface Created {
  readonly type: string;
  readonly options: JsonObject;
  readonly issuerUrl: string;
  readonly mark: string;
  /** By the names under which the options ask for them. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly signingRing: Redacted;
}

export type ProviderVerb =
  | "mint"
  | "revoke"
  | "probe"
  | "list"
  | "revokeStray"
  | "findUndone"
  | "findEnded"
  | "check"
  | "close";

export class ProviderProbe extends DurableObject {
  readonly #providers = new Map<string, Provider>();
  readonly #denied = new Map<string, readonly Lease[]>();
  readonly #aborts = new Map<string, AbortController>();

  async fetch(request: Request): Promise<Response> {
    try {
      return new Response(pack((await this.#answer(unpack(await request.text()) as ProviderCall)) ?? null));
    } catch (error) {
      return new Response(error instanceof Error ? error.stack : "not an error", { status: 500 });
    }
  }

  async #answer(asked: ProviderCall): Promise<unknown> {
    switch (asked.call) {
      case "create":
        this.#providers.set(asked.id, await createHere(asked, () => this.#denied.get(asked.id) ?? []));
        return null;
      case "verb":
        return this.#ask(asked);
      case "abort":
        this.#aborts.get(asked.abort)?.abort();
        return null;
      default:
        return unreachable(asked);
    }
  }

  async #ask({
    id,
    verb,
    request,
    abort,
    isAborted,
    denied,
  }: ProviderCall & { readonly call: "verb" }): Promise<unknown> {
    const provider = this.#providers.get(id);
    if (provider === undefined) throw new Error("no such provider");
    this.#denied.set(id, denied);
    const controller = new AbortController();
    this.#aborts.set(abort, controller);
    if (isAborted) controller.abort();
    const { signal } = controller;
    if (verb === "close") return provider.close();
    if (verb === "check") return provider.check(signal);
    const ask = provider[verb] as (given: object) => Promise<unknown>;
    return ask({ ...request, signal });
  }
}

async function createHere(wish: Created, denied: () => readonly Lease[]): Promise<Provider> {
  const [clock, entropy, name] = [systemClock, createSystemEntropy(), "under-test"];
  const type = await loadEdgeProviderType(wish.type);
  if (!type.ok) throw new Error(type.fault);
  const { MAYFLY_SEALING_KEYS: sealing } = await generateRings(entropy);
  const rings = { MAYFLY_SEALING_KEYS: sealing?.reveal(), MAYFLY_SIGNING_KEYS: wish.signingRing.reveal() };
  const keys = await readEdgeKeys(rings, { clock, entropy });
  if (!keys.ok) throw new Error(keys.fault.message);
  const ledger = openMemoryLedger({ clock, state: emptyState() });
  const made = await type.value.create(wish.options, {
    name,
    issuerUrl: wish.issuerUrl,
    http: createWebHttpClient({ allowInsecureLoopback: true, maxConnections: 3 }),
    ledger: {
      ...createProviderLedger({ ledger, entropy, mark: wish.mark, name: brand(name) }),
      async *denied() {
        yield* denied();
      },
    },
    signer: keys.value.signer,
    now: () => clock.now(),
    after: (delay, callback) => clock.after(delay, callback),
    randomBytes: (length) => entropy.bytes(length),
    resolveSecret: edgeSecretResolver(wish.secrets),
  });
  if (!made.ok) throw new Error(`${made.fault.path} ${made.fault.message}`);
  return made.value;
}

export default {
  fetch(request: Request, env: { PROVIDERS: DurableObjectNamespace }): Promise<Response> {
    return env.PROVIDERS.getByName("providers").fetch(request as never) as never;
  },
};
