/** What a provider's test would mint: its template filled with the operator's parameters, or why not. Makes nothing. */
import type { TtlCapability } from "../../domain/capabilities.ts";
import type { ProviderName, TemplateName } from "../../domain/names.ts";
import type { Json, JsonObject } from "../../kernel/canonical-json.ts";
import { homeOfId } from "../../kernel/ids.ts";
import { Redacted } from "../../kernel/redacted.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { seconds, type Seconds } from "../../kernel/time.ts";
import { parseParameters } from "../../policy/parameters.ts";
import type { BoundTemplate } from "../../policy/resources.ts";
import type { Fault } from "../fault.ts";
import type { Planned } from "../issue/intent.ts";
import type { BrokerParts, Caller } from "../parts.ts";

export interface ProviderTestRequest {
  readonly provider: ProviderName;
  readonly template: TemplateName;
  readonly parameters: JsonObject;
}

/** Long enough for a slow round, short enough that what a crash leaves is soon over. */
const wantedSeconds = 120;

export function planTest(parts: BrokerParts, caller: Caller, request: ProviderTestRequest): Result<Planned, Fault> {
  const provider = parts.providers.current(request.provider);
  const template = parts.policy().bound.get(request.template);
  if (provider === undefined) return malformed("the policy has no such provider");
  if (parts.isHeld?.(request.provider) === true)
    return err({ code: "unavailable", why: "provider", retryAfterSeconds: seconds(60) });
  if (template === undefined || template.template.provider !== request.provider)
    return malformed("the template is not one of this provider");
  const parameters = parseParameters(template.template.parameters, request.parameters);
  if (!parameters.ok) {
    const { parameter, message } = parameters.fault;
    return malformed(parameter === null ? `the request ${message}` : `parameter ${parameter} ${message}`);
  }
  const scope = template.scope.fill(present(parameters.value));
  if (!scope.ok) return malformed(`the provider refuses the scope at ${scope.fault.path}`);
  const taskId = parts.ids.task();
  const leaseId = parts.ids.lease(homeOfId(taskId));
  const { name } = template.template;
  return ok({
    caller,
    template,
    task: null,
    decision: {
      parameters: parameters.value,
      scope: scope.value,
      ttlSeconds: ttlOf(template),
      ttlBound: "provider_test",
      limits: [],
      evidence: { provider_test: true, template: name },
    },
    request: requestOf(caller, name),
    provider,
    leaseId,
    taskId,
    plan: provider.plan({ leaseId, taskId, scope: scope.value }),
  });
}

const malformed = (message: string): Result<never, Fault> => err({ code: "malformed", message });

const present = (parameters: JsonObject): Record<string, Json> => {
  const members: Record<string, Json> = {};
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) members[name] = value;
  return members;
};

const shortestOf = (ttl: TtlCapability): number => (ttl.kind === "chosen" ? ttl.minSeconds : 1);

const ttlOf = ({ template, scope }: BoundTemplate): Seconds =>
  seconds(Math.min(template.ttl.maxSeconds, Math.max(wantedSeconds, shortestOf(scope.capabilities.ttl))));

const requestOf = ({ requestId }: Caller, template: TemplateName): Planned["request"] => ({
  requestId,
  attestation: new Redacted("", "no attestation"),
  template,
  taskId: null,
  parameters: {},
  requestedTtlSeconds: null,
  replaces: null,
  idempotencyKey: null,
  clientId: null,
  audience: null,
  resource: null,
  requestedTokenType: null,
});
