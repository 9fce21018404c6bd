/**
 * node-vault behind a small typed client. It builds the requests; the house's HTTP client sends them, so that timeouts,
 * size bounds, separate connections and redaction hold here too, and no redirect carries a token elsewhere. What it
 * would do by itself is kept from it: judging answers (it takes 202 for an error and puts the server's words into
 * messages), changing its own token, reading VAULT_* from the environment, printing bodies under DEBUG. It never sees
 * a secret that goes out.
 */
import nodeVault from "node-vault";
import type { Json } from "../../src/kernel/canonical-json.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import type { Result } from "../../src/kernel/result.ts";
import { millis, type EpochMillis, type Millis } from "../../src/kernel/time.ts";
import type { HttpAnswer, HttpClient, HttpFault } from "../../src/ports/http-client.ts";
import { jsonObjectOf } from "../shared/json-object.ts";
import { parseRetryAfter } from "../shared/retry-after.ts";

export interface VaultClient {
  send(request: VaultRequest): Promise<VaultAnswer>;
}

export interface VaultRequest {
  readonly verb: "read" | "write" | "list";
  /** Below `/v1/`, each segment encoded. */
  readonly path: string;
  readonly body?: Readonly<Record<string, Json | Redacted>>;
  /** Null for a login. */
  readonly token: Redacted | null;
  readonly wrapSeconds?: number;
  readonly timeout?: Millis;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export type VaultAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly body: Readonly<Record<string, unknown>> | null;
      readonly retryAfter: Millis | undefined;
    }
  | { readonly kind: "failed"; readonly reason: HttpFault["reason"]; readonly maybeSent: boolean };

/** What node-vault passes on to whoever sends: its own members, and those of the call untouched. */
interface Outgoing {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly call: VaultRequest;
}

const defaultTimeout = millis(4_000);
/** Above every answer but a list. */
const defaultMaxBytes = 256 * 1024;

export function createVaultClient(options: {
  address: string;
  namespace: string | undefined;
  http: HttpClient;
  now: () => EpochMillis;
}): VaultClient {
  const { address, namespace, http, now } = options;
  const send = (outgoing: Outgoing): Promise<Result<HttpAnswer, HttpFault>> => http.send(httpRequest(outgoing));
  const vault = nodeVault({
    endpoint: address,
    // LIST is no method of many proxies; `GET ?list=1` means the same.
    noCustomHTTPVerbs: true,
    debug: () => undefined,
    "request-promise": { defaults: () => send },
  });
  Object.assign(vault, { token: "", namespace: namespace ?? "", pathPrefix: "" });
  vault.handleVaultResponse = async (answer: unknown) => answer;

  return {
    async send(call) {
      const { verb, path } = call;
      const answer: unknown =
        verb === "write" ? await vault.write(path, {}, { call }) : await vault[verb](path, { call });
      return readAnswer(answer as Result<HttpAnswer, HttpFault>, now());
    },
  };
}

function httpRequest({ method, uri, headers, call }: Outgoing) {
  const { body, token, wrapSeconds, timeout = defaultTimeout, maxBytes = defaultMaxBytes, signal } = call;
  return {
    // The only methods that the verbs above lead to.
    method: method === "POST" ? ("POST" as const) : ("GET" as const),
    url: uri,
    headers: {
      ...headers,
      "x-vault-request": "true",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(wrapSeconds === undefined ? {} : { "x-vault-wrap-ttl": String(wrapSeconds) }),
    },
    secretHeaders: token === null ? {} : { "x-vault-token": token },
    ...(body === undefined ? {} : { body: new Redacted(JSON.stringify(body, openSecrets), "vault request") }),
    timeout,
    maxBytes,
    ...(signal === undefined ? {} : { signal }),
  };
}

/** The holder's own value: what arrives as `value` went through its `toJSON`, which hides it. */
function openSecrets(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  const held = this[name];
  return held instanceof Redacted ? held.reveal() : value;
}

function readAnswer(answer: Result<HttpAnswer, HttpFault>, now: EpochMillis): VaultAnswer {
  if (!answer.ok) return { kind: "failed", ...answer.fault };
  const { status, headers, body } = answer.value;
  return {
    kind: "answered",
    status,
    body: jsonObjectOf(body),
    retryAfter: parseRetryAfter(headers["retry-after"], now),
  };
}
