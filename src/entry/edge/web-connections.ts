/** The connections of a broker on Workers. The platform pools them; what a policy may name is what works over HTTP. */
import type { Connections } from "../connections.ts";
import { loadEdgeProviderType } from "./provider-types.ts";
import type { EdgeSettings } from "./settings.ts";
import { createWebHttpClient } from "./web-http-client.ts";

export function openWebConnections(mode: EdgeSettings["mode"]): Connections {
  const newClient = () => createWebHttpClient({ allowInsecureLoopback: mode === "development" });
  const [issuing, revoking, keys] = [newClient(), newClient(), newClient()];
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
