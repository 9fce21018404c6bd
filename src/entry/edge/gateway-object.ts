/**
 * A Durable Object that is a broker on the Redis of nodes elsewhere. It holds the connections, because a Worker's own
 * would end with each request; it keeps nothing that a request needs, so that the platform may end it whenever it likes.
 */
import type { DurableObjectState } from "@cloudflare/workers-types";
import { err, ok, type Result } from "../../kernel/result.ts";
import { millis } from "../../kernel/time.ts";
import type { PolicyFile } from "../../policy/parse/yaml-documents.ts";
import { systemClock } from "../system-clock.ts";
import { composeGateway, type GatewayBroker, type GatewayParts } from "./compose-gateway.ts";
import { createEdgeLog } from "./edge-log.ts";
import type { MetricsSnapshot } from "./edge-metrics.ts";
import { gatewayNames, type GatewayEnv } from "./gateway-objects.ts";
import { parseGatewaySettings } from "./gateway-settings.ts";
import { wordsOf } from "./refused.ts";
import { textsOf } from "./settings.ts";
import { unavailable } from "./unavailable.ts";

export interface Gateway {
  fetch(request: Request): Promise<Response>;
  metrics(): Promise<MetricsSnapshot>;
}

/** After a try that failed: many who ask at once must not become many who connect. */
const restMillis = millis(500);

export function createGatewayObject(
  state: DurableObjectState,
  env: GatewayEnv,
  deployed: readonly PolicyFile[],
): Gateway {
  const parts = partsOf(state, env, deployed);
  if (!parts.ok) return refuseAll(parts.fault);
  let composing: Promise<GatewayBroker> | null = null;

  /** One that could not be composed is tried anew by whoever asks after a moment. */
  const broker = (): Promise<GatewayBroker> =>
    (composing ??= composeGateway(parts.value).catch((error: unknown) => {
      systemClock.after(restMillis, () => (composing = null));
      throw error;
    }));

  return {
    metrics: async () => (await broker()).metrics(),
    async fetch(request) {
      try {
        return await (await broker()).fetch(request);
      } catch {
        return unavailable();
      }
    },
  };
}

function partsOf(
  state: DurableObjectState,
  env: GatewayEnv,
  deployed: readonly PolicyFile[],
): Result<GatewayParts, string> {
  const settings = parseGatewaySettings(textsOf(env));
  const log = createEdgeLog(settings.ok ? settings.value.logLevel : "info");
  const refuse = (reason: string): Result<never, string> => {
    log.error("object_refused", { reason });
    return err(reason);
  };
  if (!settings.ok) return refuse(settings.fault.map(wordsOf).join("; "));
  const number = gatewayNames.numberOf(env.GATEWAY, state.id, settings.value.gateways);
  if (number === undefined) return refuse("no gateway has the name of this object");
  return ok({ state, env, deployed, settings: settings.value, number, log });
}

function refuseAll(reason: string): Gateway {
  return { metrics: () => Promise.reject(new Error(reason)), fetch: () => Promise.resolve(unavailable()) };
}
