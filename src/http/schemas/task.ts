/** Tasks and leases as they are validated and documented. */
import * as z from "zod";
import { maxTaskSeconds } from "../../kernel/limits.ts";
import { instant, jsonObject, named, resourceName, shortText, taskIdText } from "./wire-schema.ts";

/** Far above what one unit of work uses; each entry is read at every exchange of the task. */
const maxTaskTemplates = 64;
const span = z.int().min(1).max(maxTaskSeconds);

export const openTaskBody = named(
  "OpenTask",
  z
    .strictObject({
      agent: resourceName,
      templates: z
        .array(z.strictObject({ template: resourceName, parameters: jsonObject.optional() }))
        .min(1)
        .max(maxTaskTemplates),
      deadline_seconds: span,
      heartbeat_seconds: span.optional(),
      heartbeat_from: z.enum(["agent", "orchestrator", "both"]).optional(),
      parent_task_id: taskIdText.optional(),
      purpose: shortText.optional(),
      ticket: shortText.optional(),
      context: jsonObject.optional().meta({ description: "Set here only; conditions of templates read it" }),
    })
    .refine((body) => body.heartbeat_from === undefined || body.heartbeat_seconds !== undefined, {
      path: ["heartbeat_from"],
      message: "needs heartbeat_seconds beside it",
    }),
);
export type OpenTaskBody = z.output<typeof openTaskBody>;

export const endTaskBody = named(
  "EndTask",
  z.strictObject({ outcome: z.enum(["completed", "failed", "cancelled"]), reason: shortText.optional() }),
);

/**
 * `closed`: no credential is given any more, though the end is not recorded yet (a deadline that just passed, an
 * ancestor that ended, a door that an operator closed).
 */
const taskStateName = z.enum(["open", "closed", "ended"]);

export const taskState = named(
  "TaskState",
  z.object({
    task_id: z.string(),
    state: taskStateName,
    deadline_at: instant,
    heartbeat_due_at: instant.nullable(),
  }),
);
export type TaskState = z.input<typeof taskState>;

export const couldLoseSeconds = z.number().nullable().meta({
  description:
    "Only where the store is weaker than it should be: if its server dies, so much of the newest is lost; null: all",
});

export const leaseReport = named(
  "Lease",
  z.object({
    lease_id: z.string(),
    template: z.string(),
    provider: z.string(),
    state: z.enum(["intended", "active", "revoking", "stuck", "revoked", "expired", "mint_failed"]),
    verdict: z.enum([
      "live",
      "dead-verified",
      "dead-unverified",
      "already-gone",
      "expired",
      "never-minted",
      "pending",
      "usable-until",
      "needs-a-person",
    ]),
    attempts: z.int().nonnegative(),
    dead_at: instant.optional(),
    next_attempt_at: instant.optional(),
    usable_until: instant.optional(),
    reason: z.string().optional(),
    fix: z.string().optional(),
    kill_seen: z.literal(false).optional().meta({
      description: "Only while no kill of its provider was ever seen to work, though one could be",
    }),
  }),
);
export type LeaseAnswer = z.input<typeof leaseReport>;

export const taskReport = named(
  "TaskReport",
  taskState.extend({
    gate: z
      .enum(["open", "task_ended", "deadline", "heartbeat_lost", "door_closed", "restored"])
      .meta({ description: "Why no credential is given any more" }),
    agent: z.string(),
    parent_task_id: z.string().optional(),
    purpose: z.string().optional(),
    ticket: z.string().optional(),
    opened_at: instant,
    outcome: z
      .enum([
        "completed",
        "failed",
        "cancelled",
        "deadline",
        "heartbeat_lost",
        "parent_ended",
        "killed",
        "credential_ended",
      ])
      .optional(),
    reason: z.string().optional(),
    ended_at: instant.optional(),
    summary: z.object({
      live: z.int(),
      dead: z.int(),
      stuck: z.int(),
      by_state: z.record(z.string(), z.int()),
    }),
    leases: z.array(leaseReport),
    next: z.string().optional().meta({ description: "Send it as `after` to read the next page" }),
    could_lose_seconds: couldLoseSeconds.optional(),
  }),
);
export type TaskAnswer = z.input<typeof taskReport>;
