/** The operator's kill and what it would hit. A kill is one durable row; the walk to the credentials goes on behind it. */
import type { Broker } from "../../broker/broker.ts";
import { scopeKey, type KillScope } from "../../domain/scope.ts";
import { err, ok } from "../../kernel/result.ts";
import type { BlastRadius } from "../../ports/ledger-views.ts";
import type { Endpoint } from "../endpoint.ts";
import { killScopeOf, parseScopeText } from "../kill-scope.ts";
import { readJson } from "../read-body.ts";
import { invalidMember } from "../request-fault.ts";
import { blastRadiusAnswer, killAnswer, killBody } from "../schemas/operate.ts";

export const killEndpoints = (broker: Broker): readonly Endpoint[] => [
  {
    method: "post",
    path: "/admin/kill",
    operation: "kill",
    summary: "Kill a task, or everything of an agent, template, provider, issuer, or all; leaves a door closed",
    shape: "problem",
    access: { operatorMay: ["kill"] },
    json: killBody,
    answers: { 200: { description: "Ordered, durably; counted only if it was a dry run", schema: killAnswer } },
    async handle(call, caller) {
      const body = await readJson(call.request, killBody);
      if (!body.ok) return body;
      const scope = killScopeOf(body.value.scope);
      if (scope === undefined) return err({ code: "not_found" });
      const { reason, dry_run = false } = body.value;
      if (dry_run) {
        const radius = await broker.blastRadius(caller, scope);
        return radius.ok ? ok({ status: 200, json: { ...radiusOf(scope, radius.value), dry_run } }) : radius;
      }
      const killed = await broker.kill(caller, { scope, reason });
      if (!killed.ok) return killed;
      const json = { ...radiusOf(scope, killed.value), dry_run, could_lose_seconds: broker.couldLose?.seconds };
      return ok({ status: 200, json });
    },
  },
  {
    method: "get",
    path: "/admin/blast-radius",
    operation: "readBlastRadius",
    summary: "What a kill of this scope would hit now; falls to zero while a kill goes on",
    shape: "problem",
    access: { operatorMay: ["read", "kill"] },
    parameters: { scope: `query: ${scopeForms}` },
    answers: { 200: { description: "Counts", schema: blastRadiusAnswer } },
    async handle(call, caller) {
      const scope = parseScopeText(call.request.query("scope"));
      if (scope === undefined) return err(invalidMember("scope", "wrong_form", `must be ${scopeForms}`));
      const radius = await broker.blastRadius(caller, scope);
      return radius.ok ? ok({ status: 200, json: radiusOf(scope, radius.value) }) : radius;
    },
  },
];

const scopeForms = "all, task:ID, agent:NAME, template:NAME, provider:NAME or issuer:NAME";

const radiusOf = (scope: KillScope, { tasks, leases, byProvider }: BlastRadius) => ({
  scope: scopeKey(scope),
  tasks,
  leases,
  by_provider: byProvider,
});
