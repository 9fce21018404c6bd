/** Whether the process runs, and whether it would issue. Readiness never speaks of ending: that stays open. */
import type { Broker } from "../../broker/broker.ts";
import type { Readiness } from "../../broker/operate/readiness.ts";
import { ok } from "../../kernel/result.ts";
import type { Endpoint } from "../endpoint.ts";
import { liveness, operatorReadiness, readinessAnswer } from "../schemas/service.ts";

/** Asked again by load balancers after this. */
const notReadyHeaders = { "Retry-After": "5" };

export const livezEndpoint: Endpoint = {
  method: "get",
  path: "/livez",
  operation: "isAlive",
  summary: "Whether the process answers",
  shape: "problem",
  access: "anyone",
  answers: { 200: { description: "It does", schema: liveness } },
  handle: () => Promise.resolve(ok({ status: 200, json: { status: "ok" } })),
};

export const readyzEndpoint = (broker: Broker): Endpoint => ({
  ...readyFacts,
  answers: {
    200: { description: "It would issue", schema: readinessAnswer },
    503: { description: "Issuing is down; ending stays open", schema: readinessAnswer },
  },
  handle: async () => readinessOf(await broker.readiness(), ({ ready, store }) => ({ ready, store })),
});

/** With counts and the policy in force, for the listener of operators. */
export const operatorReadyzEndpoint = (broker: Broker): Endpoint => ({
  ...readyFacts,
  answers: {
    200: { description: "It would issue", schema: operatorReadiness },
    503: { description: "Issuing is down; ending stays open", schema: operatorReadiness },
  },
  handle: async () =>
    readinessOf(await broker.readiness(), ({ ready, store, policyDigest, counts, couldLose }) => ({
      ready,
      store,
      policy_digest: policyDigest,
      could_lose: couldLose ?? undefined,
      ...(counts !== null && {
        counts: { open_tasks: counts.openTasks, live_leases: counts.liveLeases, stuck_leases: counts.stuckLeases },
      }),
    })),
});

const readyFacts = {
  method: "get",
  path: "/readyz",
  operation: "isReady",
  summary: "Whether the broker would issue now",
  shape: "problem",
  access: "anyone",
} as const;

function readinessOf(readiness: Readiness, tell: (readiness: Readiness) => object) {
  const { ready } = readiness;
  return ok({ status: ready ? 200 : 503, json: tell(readiness), ...(!ready && { headers: notReadyHeaders }) });
}
