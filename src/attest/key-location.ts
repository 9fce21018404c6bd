/**
 * Where the text of an issuer's key set comes from: its discovery document (OpenID Connect Discovery 1.0 §4), a
 * pinned URL, or a file. Every address is pinned by configuration or vouched for by the issuer over TLS; nothing a
 * token says leads here.
 */
import { keyFetchTimeoutMillis, maxKeySetBytes } from "../kernel/limits.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { millis } from "../kernel/time.ts";
import { unreachable } from "../kernel/unreachable.ts";
import type { HttpClient, HttpFault } from "../ports/http-client.ts";
import type { TrustedIssuer } from "../domain/trusted-issuer.ts";
import { parseJsonObject } from "./json-object.ts";

export type LoadFault =
  | HttpFault["reason"]
  | "status"
  | "file"
  | "discovery_malformed"
  | "issuer_mismatch"
  | "keys_url_refused";

/** Reads a file that configuration names. The composition does it, because not every runtime has files. */
export type LoadText = (path: string) => Promise<Result<string, "file">>;

export interface KeyLocationTools {
  readonly http: HttpClient;
  readonly loadText: LoadText;
}

export async function loadKeySetText(
  facts: TrustedIssuer,
  tools: KeyLocationTools,
): Promise<Result<string, LoadFault>> {
  const { keys } = facts;
  switch (keys.kind) {
    case "file":
      return tools.loadText(keys.path);
    case "url":
      return getText(tools.http, keys.url);
    case "discovery": {
      const url = await discoverKeysUrl(facts.issuer, tools.http);
      return url.ok ? getText(tools.http, url.value) : url;
    }
    default:
      return unreachable(keys);
  }
}

async function discoverKeysUrl(issuer: string, http: HttpClient): Promise<Result<string, LoadFault>> {
  const answer = await getText(http, `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (!answer.ok) return answer;
  const metadata = parseJsonObject(answer.value);
  const url = metadata?.["jwks_uri"];
  if (metadata === undefined || typeof url !== "string") return err("discovery_malformed");
  if (metadata["issuer"] !== issuer) return err("issuer_mismatch");
  return mayServeKeys(url, issuer) ? ok(url) : err("keys_url_refused");
}

/**
 * Keys may live on another host than the issuer, but only on one that has to prove its name by TLS: an address or
 * `localhost` in a discovery document would let an issuer aim requests at our own network.
 */
function mayServeKeys(url: string, issuer: string): boolean {
  if (!URL.canParse(url) || !URL.canParse(issuer)) return false;
  const keys = new URL(url);
  if (keys.origin === new URL(issuer).origin) return true;
  const host = keys.hostname.replace(/\.$/, "");
  const isAddress = host.startsWith("[") || /(?:^|\.)\d+$/.test(host);
  const isLocal = !host.includes(".") || host.endsWith(".localhost");
  return keys.protocol === "https:" && !isAddress && !isLocal;
}

async function getText(http: HttpClient, url: string): Promise<Result<string, LoadFault>> {
  const answer = await http.send({
    method: "GET",
    url,
    headers: { accept: "application/jwk-set+json, application/json" },
    timeout: millis(keyFetchTimeoutMillis),
    maxBytes: maxKeySetBytes,
  });
  if (!answer.ok) return err(answer.fault.reason);
  return answer.value.status === 200 ? ok(answer.value.body) : err("status");
}
