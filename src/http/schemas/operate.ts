/** What operators send and read on the admin listener, as validated and documented. */
import * as z from "zod";
import { killRecord } from "./providers.ts";
import { couldLoseSeconds, leaseReport } from "./task.ts";
import { instant, leaseIdText, named, resourceName, shortText, taskIdText } from "./wire-schema.ts";

const killScope = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("all") }),
  z.strictObject({ kind: z.literal("task"), id: taskIdText }),
  z.strictObject({ kind: z.enum(["agent", "template", "provider", "issuer"]), name: resourceName }),
]);

export const killBody = named(
  "Kill",
  z.strictObject({
    scope: killScope,
    reason: shortText,
    dry_run: z.boolean().optional().meta({ description: "Only count what a kill would hit" }),
  }),
);
export type KillScopeBody = z.output<typeof killScope>;

export const blastRadiusAnswer = named(
  "BlastRadius",
  z.object({
    scope: z.string().meta({ description: "`all`, or `task:ID`, `agent:NAME`, `template:NAME`, ..." }),
    tasks: z.int().meta({ description: "Open tasks" }),
    leases: z.int().meta({ description: "Credentials that may still be of use to someone" }),
    by_provider: z.record(z.string(), z.int()),
  }),
);

export const killAnswer = named(
  "KillAnswer",
  blastRadiusAnswer.extend({ dry_run: z.boolean(), could_lose_seconds: couldLoseSeconds.optional() }),
);

export const doorsAnswer = named(
  "Doors",
  z.object({
    doors: z.array(
      z.object({
        scope: z.string(),
        reason: z.string(),
        closed_at: instant,
        expanding: z.boolean().meta({ description: "Its kill is still being spread to leases" }),
      }),
    ),
  }),
);

const targetName = z.string().min(1).max(200);
export const targetBody = named("TargetName", z.strictObject({ target: targetName }));

export const targetAnswer = named(
  "Target",
  z.object({
    target: z.string(),
    provider: z.string(),
    paused: z.boolean(),
    breaker: z.enum(["closed", "open"]),
    breaker_until: instant.optional(),
    breaker_reason: z.string().optional(),
    due: z.int().meta({ description: "Credentials whose kill is due now" }),
    oldest_due_at: instant.optional(),
    claimed: z.int().meta({ description: "Kills that a worker has in hand" }),
    stuck: z.int().meta({ description: "Credentials that need a person" }),
    kill: killRecord.optional(),
    wake_ups_waiting: z.int().optional().meta({ description: "Jobs in its queue, over all nodes; each is a chunk" }),
    wake_ups_active: z.int().optional(),
  }),
);
export type TargetAnswer = z.input<typeof targetAnswer>;

export const targetsAnswer = named("Targets", z.object({ targets: z.array(targetAnswer) }));

export const retryBody = named(
  "Retry",
  z.strictObject({
    scope: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("lease"), id: leaseIdText }),
      z.strictObject({ kind: z.literal("target"), name: targetName }),
      z.strictObject({ kind: z.literal("all") }),
    ]),
    after: leaseIdText.optional().meta({ description: "`next` of the page before" }),
  }),
);

export type RetryScopeBody = z.output<typeof retryBody>["scope"];

export const retryAnswer = named(
  "Retried",
  z.object({
    retried: z.int().meta({ description: "Credentials of this page whose kill is due now" }),
    next: z.string().optional(),
  }),
);

export const stuckAnswer = named("Stuck", z.object({ leases: z.array(leaseReport), next: z.string().optional() }));

const auditCursorText = z
  .string()
  .meta({ description: "Send it as `after` to read on, now or later; not to be parsed" });

export const auditPage = named(
  "AuditPage",
  z.object({
    entries: z.array(
      z.object({
        shard: z.int().meta({ description: "Hashes form one chain a shard; not a part of what is hashed" }),
        sequence: z.int().meta({ description: "Grows by one in its shard" }),
        at: instant,
        type: z.string(),
        task_id: z.string().nullable(),
        lease_id: z.string().nullable(),
        actor: z.string(),
        request_id: z.string().nullable(),
        data: z.record(z.string(), z.unknown()),
        hash: z.string(),
      }),
    ),
    next: auditCursorText,
  }),
);

export const auditHeadAnswer = named("AuditHead", z.object({ next: auditCursorText }));
