/**
 * A provider that lives in workerd, in the shape of one that lives here. What only computes (scopes, plans, what it can
 * do) is asked of a twin on this side; whatever asks the system is asked of the one in workerd.
 */
import { parseSecretReference } from "../../../src/entry/secret-reference.ts";
import type { Json, JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import type { Provider, ProviderTools, ProviderType } from "../../../src/ports/provider.ts";
import { createProviderHere, ringTextOf } from "../provider-tools.ts";
import { pack, unpack } from "./pack.ts";
import type { ProviderCall, ProviderVerb } from "./provider-worker.ts";

/** Those that take a request. */
const verbs = ["mint", "revoke", "probe", "list", "revokeStray", "findUndone", "findEnded"] as const;

let made = 0;

export async function createRemoteProvider(
  url: string,
  type: ProviderType,
  options: JsonObject,
  tools: ProviderTools,
): Promise<Provider> {
  const twin = await createProviderHere(type, options, tools);
  const id = `provider-${(made += 1)}`;
  const signingRing = ringTextOf(tools.signer);
  if (signingRing === undefined) throw new Error("nobody knows what the signer was made of");
  const { issuerUrl, ledger } = tools;
  const secrets = await secretsIn(options, tools);
  await ask(url, { call: "create", id, type: type.type, options, issuerUrl, mark: ledger.mark, secrets, signingRing });

  const verb =
    (name: ProviderVerb) =>
    async (request: { readonly signal: AbortSignal }): Promise<unknown> => {
      const { signal, ...rest } = request;
      const abort = `abort-${(made += 1)}`;
      const onAbort = (): void => void ask(url, { call: "abort", abort });
      signal.addEventListener("abort", onAbort, { once: true });
      const denied: Lease[] = await Array.fromAsync(ledger.denied());
      try {
        const { aborted: isAborted } = signal;
        return await ask(url, { call: "verb", id, verb: name, request: rest, abort, isAborted, denied });
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    };
  const remote = Object.fromEntries(verbs.filter((name) => twin[name] !== undefined).map((name) => [name, verb(name)]));
  const check = verb("check");
  const close = verb("close");
  return {
    ...twin,
    ...remote,
    check: (signal) => check({ signal }) as ReturnType<Provider["check"]>,
    async close() {
      await twin.close();
      await close({ signal: new AbortController().signal });
    },
  };
}

async function ask(url: string, call: ProviderCall): Promise<unknown> {
  const answer = await fetch(url, { method: "POST", body: pack(call) });
  if (!answer.ok) throw new Error(`the Worker answered ${answer.status}: ${await answer.text()}`);
  return unpack(await answer.text());
}

/** Whatever the options name as `{ env: NAME }`. */
async function secretsIn(value: Json, tools: ProviderTools): Promise<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  const reference = parseSecretReference(value);
  if (reference !== undefined) {
    const secret = await tools.resolveSecret(value);
    return secret.ok ? { [reference.name]: secret.value.reveal() } : {};
  }
  const found = await Promise.all(
    Object.values(value).map((member: Json | undefined) => secretsIn(member ?? null, tools)),
  );
  return Object.assign({}, ...found) as Record<string, string>;
}
