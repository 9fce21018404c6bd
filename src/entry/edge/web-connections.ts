/**
 * The connections of a broker on Workers, and what a policy may name there. The platform gives one object six at a time,
 * for all of its requests and alarms together; shared out, so that issuing can never take those that a kill needs.
 */
import type { Connections } from "../connections.ts";
import { loadEdgeProviderType } from "./provider-types.ts";
import type { EdgeSettings } from "./settings.ts";
import { createWebHttpClient } from "./web-http-client.ts";

export function openWebConnections(mode: EdgeSettings["mode"]): Connections {
  const clientOf = (maxConnections: number, maxConnectionsPerOrigin = maxConnections) =>
    createWebHttpClient({ allowInsecureLoopback: mode === "development", maxConnections, maxConnectionsPerOrigin });
  // One system that hangs must not hold up the kills of the others.
  const [issuing, revoking, keys] = [clientOf(2), clientOf(3, 2), clientOf(1)];
  return {
    issuing,
    revoking,
    keys,
    loadProviderType: loadEdgeProviderType,
    async close() {
      await Promise.all([issuing.close(), revoking.close(), keys.close()]);
    },
  };
}
