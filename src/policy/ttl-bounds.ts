/** Every bound on a credential's lifetime, by name. The agent's wish is one of them, never more. */
import { millisBetween, millisToSeconds } from "../kernel/time.ts";
import type { IssueQuestion } from "./decide.ts";
import { longestLifeSeconds } from "./requirements.ts";
import type { Guardrail } from "./resources.ts";
import type { TtlBound } from "./ttl.ts";

export function ttlBounds(
  question: IssueQuestion,
  guardrails: readonly Guardrail[],
): readonly [TtlBound, ...TtlBound[]] {
  const { identity, now, requestedTtlSeconds, task } = question;
  const { template, scope } = question.template;
  const asked: TtlBound =
    requestedTtlSeconds === null
      ? { name: "template_default", seconds: template.ttl.defaultSeconds }
      : { name: "requested", seconds: requestedTtlSeconds };
  const bounds: [TtlBound, ...TtlBound[]] = [asked, { name: "template_max", seconds: template.ttl.maxSeconds }];
  for (const { name, maxTtlSeconds } of guardrails)
    if (maxTtlSeconds !== null) bounds.push({ name: `guardrail:${name}`, seconds: maxTtlSeconds });
  if (task !== null)
    bounds.push({ name: "task_deadline", seconds: millisToSeconds(millisBetween(now, task.deadlineAt)) });
  bounds.push({ name: "attestation", seconds: millisToSeconds(millisBetween(now, identity.expiresAt)) });
  bounds.push({ name: "provider_max", seconds: longestLifeSeconds(scope.capabilities) });
  return bounds;
}
