/** The public listener: everything that agents, orchestrators and resource servers use. */
import type { Hono } from "hono";
import { createApp, type AppTools } from "./app.ts";
import type { Endpoint } from "./endpoint.ts";
import { discoveryEndpoints } from "./endpoints/discovery.ts";
import { livezEndpoint, readyzEndpoint } from "./endpoints/health.ts";
import { introspectEndpoint } from "./endpoints/introspect.ts";
import { leaseEndpoints } from "./endpoints/leases.ts";
import { revokeEndpoint } from "./endpoints/revoke.ts";
import { taskEndpoints } from "./endpoints/tasks.ts";
import { tokenEndpoint } from "./endpoints/token.ts";
import { withDocument } from "./openapi.ts";

export function createPublicApp(tools: AppTools): Hono {
  return createApp(publicEndpoints(tools), tools);
}

/** Of a process that only kills: it says how it is, and serves nobody. */
export const createWorkerApp = (tools: AppTools): Hono =>
  createApp([livezEndpoint, readyzEndpoint(tools.broker)], tools);

export const publicEndpoints = ({ broker, log }: Pick<AppTools, "broker" | "log">): readonly Endpoint[] =>
  withDocument("Mayfly", [
    tokenEndpoint(broker, log),
    ...taskEndpoints(broker),
    ...leaseEndpoints(broker),
    revokeEndpoint(broker),
    introspectEndpoint(broker),
    ...discoveryEndpoints(broker),
    livezEndpoint,
    readyzEndpoint(broker),
  ]);
