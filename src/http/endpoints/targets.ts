/** Revocation targets: queue, breaker and pause. A target's name may hold a slash, so it stands in a body, not a path. */
import type { Broker } from "../../broker/broker.ts";
import type { TargetReport } from "../../broker/operate/observe.ts";
import type { TargetName } from "../../domain/names.ts";
import { brand } from "../../kernel/brand.ts";
import { ok } from "../../kernel/result.ts";
import { toRfc3339 } from "../../kernel/time.ts";
import type { TargetState } from "../../ports/ledger-views.ts";
import type { Endpoint } from "../endpoint.ts";
import { readJson } from "../read-body.ts";
import { targetAnswer, targetBody, targetsAnswer, type TargetAnswer } from "../schemas/operate.ts";

export const targetEndpoints = (broker: Broker): readonly Endpoint[] => [
  {
    method: "get",
    path: "/admin/targets",
    operation: "listTargets",
    summary: "What is due at each target, and which are broken or paused",
    shape: "problem",
    access: { operatorMay: ["read"] },
    answers: { 200: { description: "All of them", schema: targetsAnswer } },
    async handle(_call, caller) {
      const targets = await broker.listTargets(caller);
      return targets.ok ? ok({ status: 200, json: { targets: targets.value.map(reportOf) } }) : targets;
    },
  },
  changeEndpoint(broker, "pause", "Hold the kills of a target back; only for a person who knows why"),
  changeEndpoint(broker, "resume", "Let the kills of a target go on, and close its breaker"),
  changeEndpoint(broker, "retry", "Close the breaker of a target, and try at once what waits for its next attempt"),
];

function changeEndpoint(broker: Broker, action: "pause" | "resume" | "retry", summary: string): Endpoint {
  return {
    method: "post",
    path: `/admin/targets/${action}`,
    operation: `${action}Target`,
    summary,
    shape: "problem",
    access: { operatorMay: ["kill"] },
    json: targetBody,
    answers: { 200: { description: "The target as it is now", schema: targetAnswer } },
    async handle(call, caller) {
      const body = await readJson(call.request, targetBody);
      if (!body.ok) return body;
      // Only a name that the ledger lists gets past the use case.
      const target = brand<TargetName>(body.value.target);
      const state =
        action === "retry"
          ? await broker.retryTarget(caller, target)
          : await broker.setTargetPaused(caller, { target, paused: action === "pause" });
      return state.ok ? ok({ status: 200, json: targetOf(state.value) }) : state;
    },
  };
}

const reportOf = ({ queue, kill, ...state }: TargetReport): TargetAnswer => ({
  ...targetOf(state),
  ...(kill !== null && { kill: kill.kind }),
  ...(queue !== null && { wake_ups_waiting: queue.waiting, wake_ups_active: queue.active }),
});

function targetOf(state: TargetState): TargetAnswer {
  const { breaker } = state;
  return {
    target: state.target,
    provider: state.provider,
    paused: state.paused,
    breaker: breaker.kind,
    ...(breaker.kind === "open" && { breaker_until: toRfc3339(breaker.until), breaker_reason: breaker.reason }),
    due: state.due,
    oldest_due_at: state.oldestDueAt === null ? undefined : toRfc3339(state.oldestDueAt),
    claimed: state.claimed,
    stuck: state.stuck,
  };
}
