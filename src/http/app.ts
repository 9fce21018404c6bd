/**
 * Serves a table of endpoints: one request id each, one place that authenticates, answers, refuses and counts. No
 * Hono middleware is used, so that a request costs one handler. A throw is a bug: it is logged without its message,
 * which may hold anything, and told as a 500 without text of its own. A store that did not answer a reading is no bug.
 */
import { Hono } from "hono";
import { storeFault } from "../broker/answer-faults.ts";
import type { Broker } from "../broker/broker.ts";
import { StoreAwayError } from "../domain/store-away.ts";
import { err, type Result } from "../kernel/result.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import { authenticate, authenticateOperator } from "./authenticate.ts";
import type { Call, Endpoint } from "./endpoint.ts";
import { createPathIndex } from "./path-index.ts";
import type { HttpFault } from "./request-fault.ts";
import { refuse, respond, type Answer, type FaultShape } from "./respond.ts";

export interface AppTools {
  readonly broker: Broker;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function createApp(endpoints: readonly Endpoint[], tools: AppTools): Hono {
  const { broker, metrics } = tools;
  const app = new Hono();
  const index = createPathIndex(endpoints);
  const count = (route: string, response: Response): Response => {
    metrics.count("mayfly_http_requests_total", { route, status_class: `${Math.floor(response.status / 100)}xx` });
    return response;
  };

  for (const endpoint of endpoints) {
    const route = `${endpoint.method.toUpperCase()} ${endpoint.path}`;
    app.on(endpoint.method.toUpperCase(), endpoint.path.replaceAll(/\{(\w+)\}/g, ":$1"), async (context) => {
      const call: Call = { requestId: broker.newRequestId(), request: context.req };
      const failed = (error: unknown): void =>
        tools.log.error("request_failed", { request: call.requestId, route, ...locationOf(error) });
      const result = await run(tools, endpoint, call, failed);
      if (result.ok) return count(route, respond(result.value, call.requestId, failed));
      return count(route, refuseAndLog(tools, { call, route, shape: endpoint.shape, fault: result.fault }));
    });
  }

  app.notFound((context) => {
    const call: Call = { requestId: broker.newRequestId(), request: context.req };
    const known = index.find(context.req.path);
    if (known !== undefined && context.req.method === "OPTIONS") {
      return count("other", respond({ status: 204, headers: { Allow: known.allow } }, call.requestId));
    }
    const fault: HttpFault =
      known === undefined ? { code: "no_such_path" } : { code: "method_not_allowed", allow: known.allow };
    return count("other", refuseAndLog(tools, { call, route: "other", shape: known?.shape ?? "problem", fault }));
  });
  return app;
}

async function run(
  { broker }: AppTools,
  endpoint: Endpoint,
  call: Call,
  failed: (error: unknown) => void,
): Promise<Result<Answer, HttpFault>> {
  try {
    return await guarded(broker, endpoint, call);
  } catch (error) {
    if (error instanceof StoreAwayError) return err(storeFault);
    failed(error);
    return err({ code: "internal" });
  }
}

async function guarded(broker: Broker, endpoint: Endpoint, call: Call): Promise<Result<Answer, HttpFault>> {
  if (endpoint.access === "anyone") return endpoint.handle(call);
  const caller =
    endpoint.access === "attested"
      ? await authenticate(broker, call)
      : await authenticateOperator(broker, call, endpoint.access.operatorMay);
  return caller.ok ? endpoint.handle(call, caller.value) : caller;
}

interface Refused {
  readonly call: Call;
  readonly route: string;
  readonly shape: FaultShape;
  readonly fault: HttpFault;
}

/** `why` and `detail` are the broker's own words; a `message` may name what the caller sent and stays out of the log. */
function refuseAndLog(tools: AppTools, { call, route, shape, fault }: Refused): Response {
  const response = refuse(fault, shape, call.requestId);
  const fields = {
    request: call.requestId,
    route,
    status: response.status,
    code: fault.code,
    ...("why" in fault && { why: fault.why }),
    ...("gate" in fault && { gate: fault.gate }),
    ...("limit" in fault && { limit: fault.limit }),
    ...("detail" in fault && { detail: fault.detail }),
  };
  if (response.status >= 500) tools.log.warn("request_refused", fields);
  else tools.log.info("request_refused", fields);
  return response;
}

const maxFramesLogged = 8;

/** Name and place of an error, never its message. */
function locationOf(error: unknown): { error: string; at: string } {
  if (!(error instanceof Error)) return { error: typeof error, at: "" };
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return {
    error: error.name,
    at: frames
      .slice(0, maxFramesLogged)
      .map((line) => line.trim())
      .join("; "),
  };
}
