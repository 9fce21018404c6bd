/** Doors that kills left closed: what they stop, and opening them again. */
import type { Broker } from "../../broker/broker.ts";
import { scopeKey } from "../../domain/scope.ts";
import { err, ok } from "../../kernel/result.ts";
import { toRfc3339 } from "../../kernel/time.ts";
import type { Endpoint } from "../endpoint.ts";
import { parseScopeText } from "../kill-scope.ts";
import { invalidMember } from "../request-fault.ts";
import { doorsAnswer } from "../schemas/operate.ts";

export const doorEndpoints = (broker: Broker): readonly Endpoint[] => [
  {
    method: "get",
    path: "/admin/doors",
    operation: "listDoors",
    summary: "Doors that are closed",
    shape: "problem",
    access: { operatorMay: ["read"] },
    answers: { 200: { description: "All of them", schema: doorsAnswer } },
    async handle(_call, caller) {
      const doors = await broker.listDoors(caller);
      if (!doors.ok) return doors;
      const lines = doors.value.map(({ scope, reason, closedAt, expanding }) => ({
        scope: scopeKey(scope),
        reason,
        closed_at: toRfc3339(closedAt),
        expanding,
      }));
      return ok({ status: 200, json: { doors: lines } });
    },
  },
  {
    method: "delete",
    path: "/admin/doors",
    operation: "openDoor",
    summary: "Open a door again; what was killed stays dead",
    shape: "problem",
    access: { operatorMay: ["kill"] },
    parameters: { scope: "query: all, agent:NAME, template:NAME, provider:NAME or issuer:NAME" },
    answers: { 204: { description: "Open" } },
    async handle(call, caller) {
      const scope = parseScopeText(call.request.query("scope"));
      if (scope === undefined || scope.kind === "task") {
        return err(
          invalidMember("scope", "wrong_form", "must be all, agent:NAME, template:NAME, provider:NAME or issuer:NAME"),
        );
      }
      const opened = await broker.openDoor(caller, scope);
      return opened.ok ? ok({ status: 204 }) : opened;
    },
  },
];
