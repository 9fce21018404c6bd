/** What operators send and read of providers. */
import * as z from "zod";
import { instant, jsonObject, leaseIdText, named, resourceName } from "./wire-schema.ts";

export const killRecord = z
  .enum(["seen", "not_seen", "cannot_be_seen"])
  .meta({ description: "Whether a credential that had worked was ever seen dead after its kill" });

const capabilities = z.object({
  ttl: z.string().meta({ description: "`60-3600 s`, or what configuration assumes of a system that decides itself" }),
  handle: z.enum(["pre-known", "returned", "secret-itself"]),
  revocation: z.enum(["immediate", "eventual", "parent-kill", "expiry-only"]),
  settle_seconds: z.int().optional(),
  native_expiry: z.enum(["full", "new-logins-only", "none"]),
  probe: z.enum(["data-plane", "control-plane", "none"]),
  kills_open_sessions: z.boolean(),
  listable: z.boolean(),
  renewable: z.boolean(),
  needs_secret_to_revoke: z.boolean(),
  binds_to_key: z.boolean(),
});

export const providerAnswer = named(
  "Provider",
  z.object({
    provider: z.string(),
    type: z.string(),
    reachable: z.boolean(),
    problem: z.string().optional(),
    kill: killRecord,
    kill_seen_at: instant.optional(),
    compared_at: instant.optional().meta({ description: "When what lives there was last compared with the ledger" }),
    held: z.boolean().meta({ description: "Nothing is minted there until a restore was followed up" }),
    capabilities,
  }),
);
export type ProviderAnswer = z.input<typeof providerAnswer>;

export const providersAnswer = named("Providers", z.object({ providers: z.array(providerAnswer) }));

export const providerTestBody = named(
  "ProviderTest",
  z.strictObject({ provider: resourceName, template: resourceName, parameters: jsonObject.optional() }),
);

const stepName = z.enum(["check", "record", "mint", "use", "kill", "use_after"]);

const testStep = z.object({
  step: stepName,
  outcome: z.enum(["ok", "failed", "not_asked"]),
  seconds: z.number(),
  detail: z.string(),
  fix: z.string().optional(),
});
export type TestStepAnswer = z.input<typeof testStep>;

export const providerTestAnswer = named(
  "ProviderTested",
  z.object({
    provider: z.string(),
    lease_id: leaseIdText.optional(),
    passed: z.boolean().meta({ description: "No step failed" }),
    kill_seen: z.boolean().meta({ description: "It worked before its kill, and was refused after it" }),
    steps: z.array(testStep),
  }),
);

export const providerTestLine = named(
  "ProviderTestLine",
  z
    .union([z.object({ began: stepName }), z.object({ ended: testStep }), providerTestAnswer])
    .meta({ description: "A step that begins, or is over; the last line is the whole answer" }),
);

export const providerDriftBody = named("ProviderName", z.strictObject({ provider: resourceName }));

export const providerDriftAnswer = named(
  "ProviderDrift",
  z.object({
    provider: z.string(),
    found: z.int().meta({ description: "What lives there under this ledger's mark" }),
    strays_ended: z.int(),
    strays_young: z.int().meta({ description: "Without a lease, but too young to tell" }),
    strays_not_ended: z.int(),
    undone: z.int().meta({ description: "Dead by the ledger and there again: due once more" }),
    missing: z.int().meta({ description: "Active by the ledger and not there: due" }),
    unfinished: z.string().optional().meta({ description: "Why not all was compared" }),
  }),
);
