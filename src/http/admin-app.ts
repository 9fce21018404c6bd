/** The operators' listener: kill, doors, targets, audit, metrics. Bound to loopback unless configured otherwise. */
import type { Hono } from "hono";
import { createApp, type AppTools } from "./app.ts";
import type { Endpoint } from "./endpoint.ts";
import { doorEndpoints } from "./endpoints/doors.ts";
import { livezEndpoint, operatorReadyzEndpoint } from "./endpoints/health.ts";
import { killEndpoints } from "./endpoints/kill.ts";
import { metricsEndpoint, observeEndpoints } from "./endpoints/observe.ts";
import { providerEndpoints } from "./endpoints/providers.ts";
import { stuckEndpoints } from "./endpoints/stuck.ts";
import { targetEndpoints } from "./endpoints/targets.ts";
import { withDocument } from "./openapi.ts";

export interface AdminTools extends AppTools {
  /** Prometheus text. */
  readonly renderMetrics: () => Promise<string>;
}

export function createAdminApp(tools: AdminTools): Hono {
  return createApp(adminEndpoints(tools), tools);
}

export const adminEndpoints = ({
  broker,
  renderMetrics,
}: Pick<AdminTools, "broker" | "renderMetrics">): readonly Endpoint[] =>
  withDocument("Mayfly, operators' listener", [
    ...killEndpoints(broker),
    ...doorEndpoints(broker),
    ...providerEndpoints(broker),
    ...targetEndpoints(broker),
    ...stuckEndpoints(broker),
    ...observeEndpoints(broker),
    metricsEndpoint(renderMetrics),
    livezEndpoint,
    operatorReadyzEndpoint(broker),
  ]);
