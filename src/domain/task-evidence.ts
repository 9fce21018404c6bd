/**
 * What the audit keeps of a task's opening: who may do what until when, and all that conditions will see. The task's own
 * row is dropped some days after its end; this stays.
 */
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { Task } from "./task.ts";

export function openingEvidence(task: Task): JsonObject {
  const { agent, parentId, deadlineAt, opener, automatic, templates, context, purpose, ticket } = task;
  const facts = { agent, parent_id: parentId, deadline_at: deadlineAt };
  if (automatic) return { ...facts, automatic };
  return {
    ...facts,
    opener: { ...opener },
    templates: templates.map((entry) => ({ ...entry })),
    context,
    purpose,
    ticket,
  };
}
