/** The connections of a broker on Node: sockets that are kept alive, and every provider type of the release. */
import { loadProviderType } from "../../providers/index.ts";
import type { ServeOptions } from "./config.ts";
import type { Connections } from "./connections.ts";
import { createNodeHttpClient } from "./node-http-client.ts";

const connectionsPerOrigin = 64;

export function openConnections(mode: ServeOptions["mode"]): Connections {
  const newClient = () =>
    createNodeHttpClient({
      allowInsecureLoopback: mode === "development",
      maxConnectionsPerOrigin: connectionsPerOrigin,
    });
  const [issuing, revoking, keys] = [newClient(), newClient(), newClient()];
  return {
    issuing,
    revoking,
    keys,
    loadProviderType,
    async close() {
      await Promise.all([issuing.close(), revoking.close(), keys.close()]);
    },
  };
}
