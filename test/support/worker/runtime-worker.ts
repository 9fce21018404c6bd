/**
 * A Worker that runs what the broker uses of this runtime, in one Durable Object as the broker itself does, and answers
 * HTTP: the tests stay outside, what they judge runs in workerd.
 */
import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { createJoseVerifier } from "../../../src/attest/verify-signature.ts";
import type { PublicKey } from "../../../src/attest/public-key.ts";
import type { SignatureAlgorithm } from "../../../src/domain/trusted-issuer.ts";
import { edgeDigest } from "../../../src/entry/edge/edge-digest.ts";
import { readEdgeKeys } from "../../../src/entry/edge/key-rings.ts";
import { createWebHttpClient, type WebHttpClient } from "../../../src/entry/edge/web-http-client.ts";
import { createNextTurn } from "../../../src/entry/next-turn.ts";
import { createSystemEntropy, systemClock } from "../../../src/entry/system-clock.ts";
import { bytesFromBase64Url } from "../../../src/kernel/base64url.ts";
import type { LeaseId } from "../../../src/kernel/ids.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";
import { unreachable } from "../../../src/kernel/unreachable.ts";
import type { Millis } from "../../../src/kernel/time.ts";
import type { HttpRequest } from "../../../src/ports/http-client.ts";

export type RuntimeCall =
  | {
      readonly call: "open";
      readonly client: string;
      readonly allowInsecureLoopback: boolean;
      readonly maxConnections: number;
    }
  | { readonly call: "send"; readonly client: string; readonly request: SentRequest; readonly abort: string | null }
  | { readonly call: "abort"; readonly abort: string }
  | { readonly call: "close"; readonly client: string }
  | { readonly call: "digest"; readonly text: string }
  | {
      readonly call: "seal";
      readonly rings: Readonly<Record<string, string>>;
      readonly text: string;
      readonly lease: LeaseId;
    }
  | { readonly call: "verify"; readonly signed: SentSignature }
  | { readonly call: "turns"; readonly waiting: number };

/** With its secrets in the open: a test's are none. */
export interface SentRequest {
  readonly method: HttpRequest["method"];
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly secretHeaders: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeout: Millis;
  readonly maxBytes: number;
}

export interface SentSignature {
  readonly algorithm: SignatureAlgorithm;
  readonly key: PublicKey;
  readonly text: string;
  readonly signature: string;
}

export class RuntimeProbe extends DurableObject {
  readonly #clients = new Map<string, WebHttpClient>();
  readonly #aborts = new Map<string, AbortController>();

  async fetch(request: Request): Promise<Response> {
    return Response.json((await this.#answer((await request.json()) as RuntimeCall)) ?? null);
  }

  async #answer(asked: RuntimeCall): Promise<unknown> {
    switch (asked.call) {
      case "open":
        this.#clients.set(asked.client, createWebHttpClient(asked));
        return null;
      case "send":
        return this.#send(asked);
      case "abort":
        return this.#aborts.get(asked.abort)?.abort();
      case "close":
        return this.#clients.get(asked.client)?.close();
      case "digest":
        return edgeDigest(asked.text);
      case "seal":
        return sealAndSign(asked.rings, asked.text, asked.lease);
      case "verify":
        return createJoseVerifier()({
          ...asked.signed,
          signature: bytesFromBase64Url(asked.signed.signature) ?? new Uint8Array(),
        });
      case "turns":
        return takeTurns(asked.waiting);
      default:
        return unreachable(asked);
    }
  }

  async #send({ client, request, abort }: RuntimeCall & { readonly call: "send" }): Promise<unknown> {
    const { secretHeaders, body, ...rest } = request;
    const controller = new AbortController();
    if (abort !== null) this.#aborts.set(abort, controller);
    return this.#clients.get(client)?.send({
      ...rest,
      secretHeaders: Object.fromEntries(
        Object.entries(secretHeaders).map(([name, text]) => [name, new Redacted(text, name)]),
      ),
      ...(body !== null && { body: new Redacted(body, "body") }),
      signal: controller.signal,
    });
  }
}

async function sealAndSign(rings: Readonly<Record<string, string>>, text: string, lease: LeaseId): Promise<unknown> {
  const keys = await readEdgeKeys(rings, { clock: systemClock, entropy: createSystemEntropy() });
  if (!keys.ok) return keys;
  const { sealer, signer } = keys.value;
  return { sealed: await sealer.seal(new Redacted(text, "text"), lease), keys: signer.publicKeys() };
}

/** In which order those that waited together went on. */
async function takeTurns(waiting: number): Promise<unknown> {
  const nextTurn = createNextTurn((run) => setTimeout(run, 0));
  const order: number[] = [];
  await Promise.all(Array.from({ length: waiting }, (_, index) => nextTurn().then(() => order.push(index))));
  return order;
}

export default {
  fetch(request: Request, env: { PROBE: DurableObjectNamespace }): Promise<Response> {
    return env.PROBE.getByName("probe").fetch(request as never) as never;
  },
};
