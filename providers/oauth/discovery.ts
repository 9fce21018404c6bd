/**
 * Finds the endpoints when they are first needed and remembers them. One request at a time, none for a while after a
 * failure, and known endpoints stay good for a day of failing refreshes: a kill must not wait for a metadata page.
 */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { millis, millisBetween, type EpochMillis, type Millis } from "../../src/kernel/time.ts";
import type { HttpClient } from "../../src/ports/http-client.ts";
import { endpointsOf, metadataUrls, type EndpointFault, type Endpoints, type Metadata } from "./endpoints.ts";
import { jsonObjectOf } from "../shared/json-object.ts";
import type { OAuthOptions } from "./options.ts";

export interface Discovery {
  endpoints(): Promise<Result<Endpoints, DiscoveryFault>>;
  /** Asks the server now, whatever is remembered. */
  refresh(): Promise<Result<Endpoints, DiscoveryFault>>;
}

export interface DiscoveryFault {
  readonly reason: "metadata_unreachable" | "metadata_status" | EndpointFault;
  /** When asking again can bring anything new. */
  readonly retryAfter: Millis;
}

const freshMillis = 600_000;
const staleMillis = 24 * 3600 * 1000;
const coolDownMillis = 5_000;
const timeout = millis(4_000);
const maxBytes = 256 * 1024;

export function createDiscovery(options: OAuthOptions, tools: { http: HttpClient; now: () => EpochMillis }): Discovery {
  const { http, now } = tools;
  let known: { endpoints: Endpoints; at: EpochMillis } | undefined;
  let failed: { fault: DiscoveryFault; at: EpochMillis } | undefined;
  let underWay: Promise<Result<Endpoints, DiscoveryFault>> | undefined;

  const isYounger = (at: EpochMillis, span: number): boolean => Math.abs(now() - at) < span;

  async function fetchOnce(): Promise<Result<Endpoints, DiscoveryFault>> {
    const metadata = options.discovery ? await fetchMetadata(options.issuer, http) : ok(null);
    const endpoints = metadata.ok ? endpointsOf(options, metadata.value) : metadata;
    if (endpoints.ok) {
      known = { endpoints: endpoints.value, at: now() };
      failed = undefined;
      return endpoints;
    }
    const fault = { reason: endpoints.fault, retryAfter: millis(coolDownMillis) };
    failed = { fault, at: now() };
    return err(fault);
  }

  function refresh(): Promise<Result<Endpoints, DiscoveryFault>> {
    underWay ??= fetchOnce().finally(() => (underWay = undefined));
    return underWay;
  }

  return {
    refresh,
    async endpoints() {
      if (known !== undefined && isYounger(known.at, freshMillis)) return ok(known.endpoints);
      const cooling = failed !== undefined && isYounger(failed.at, coolDownMillis) ? failed : undefined;
      const answer = cooling === undefined ? await refresh() : err(coolingFault(cooling, now()));
      const stale = !answer.ok && known !== undefined && isYounger(known.at, staleMillis) ? known : undefined;
      return stale === undefined ? answer : ok(stale.endpoints);
    },
  };
}

const coolingFault = (failed: { fault: DiscoveryFault; at: EpochMillis }, now: EpochMillis): DiscoveryFault => ({
  reason: failed.fault.reason,
  retryAfter: millis(Math.max(0, coolDownMillis - millisBetween(failed.at, now))),
});

async function fetchMetadata(issuer: string, http: HttpClient): Promise<Result<Metadata, DiscoveryFault["reason"]>> {
  for (const url of metadataUrls(issuer)) {
    const answer = await http.send({ method: "GET", url, headers: { accept: "application/json" }, timeout, maxBytes });
    if (!answer.ok) return err("metadata_unreachable");
    const { status, body } = answer.value;
    if (status === 404 || status === 405) continue;
    if (status !== 200) return err("metadata_status");
    const metadata = jsonObjectOf(body);
    return metadata === null ? err("metadata_malformed") : ok(metadata);
  }
  return err("metadata_status");
}
