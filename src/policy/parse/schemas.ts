/**
 * The shape of each resource, strict: an unknown field is a fault. Shapes only, so that the published JSON Schema says
 * the same; what fields mean together is judged in the reader of each kind.
 */
import * as z from "zod";
import { isName } from "../../domain/names.ts";
import { maxTaskSeconds } from "../../kernel/limits.ts";
import { hasControlCharacter } from "../pattern.ts";

const maxTextLength = 1024;

export const text = z
  .string()
  .min(1, "must not be empty")
  .max(maxTextLength, `must have at most ${maxTextLength} characters`)
  .refine((value) => !hasControlCharacter(value), { error: "must be one line", params: { fix: "remove line breaks" } })
  .refine((value) => value.trim() === value, {
    error: "must not begin or end with white space",
    params: { fix: "remove the white space" },
  });
const name = z
  .string()
  .refine(isName, {
    error: "is not a name",
    params: { fix: "use 1 to 63 small letters, digits, `-` and `.`, beginning and ending with a letter or digit" },
  })
  .meta({ pattern: "^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$" });
const pattern = z.string().describe("An exact name, or a glob whose `*` stays within one segment (`/` and `:`).");
const patterns = z.array(pattern).min(1, "must name at least one").max(200, "must name at most 200");
const condition = z.string().describe("CEL over identity, agent, task, parameters, request and now.");
const wholeNumber = (min: number, max: number) =>
  z.int(`must be a whole number`).min(min, `must be at least ${min}`).max(max, `must be at most ${max}`);
const span = wholeNumber(1, maxTaskSeconds);
const count = wholeNumber(1, 1_000_000);
const once = { error: "must not name anything twice", params: { fix: "remove the repetition" } };
const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

const actionClass = z.enum(["read", "write", "privileged", "external"]);
const sensitivity = z.enum(["public", "internal", "confidential", "restricted"]);

export const signatureAlgorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"] as const;
/** A token that lives longer than a day is a password. */
const maxAttestationSeconds = 24 * 3600;

const trustedIssuer = z.strictObject({
  issuer: text.describe("Compared exactly with the token's `iss`."),
  audience: text.describe("The only audience that tokens may have: this broker."),
  algorithms: z.array(z.enum(signatureAlgorithms)).min(1, "must name at least one").refine(distinct, once),
  keys: z
    .strictObject({ discovery: z.literal(true).optional(), url: text.optional(), file: text.optional() })
    .describe("Exactly one of discovery, url and file."),
  maxLifetimeSeconds: wholeNumber(1, maxAttestationSeconds),
  replay: z.enum(["reusable", "once"]).default("reusable"),
  types: z
    .array(text)
    .max(8, "must name at most 8")
    .default([])
    .describe("Accepted `typ` headers besides none and `JWT`."),
});

const agentProfile = z.strictObject({
  role: z.enum(["agent", "orchestrator", "resource", "operator"]),
  identity: z.strictObject({
    issuer: name.describe("Name of a TrustedIssuer."),
    subject: pattern,
    claims: z
      .record(z.string(), z.union([text, z.boolean(), z.int()], "must be text, a whole number, true or false"))
      .default({})
      .describe("Claims that the token must carry with exactly these values."),
  }),
  owners: z.strictObject({ businessApprover: text, technicalCustodian: text }),
  delegation: z.strictObject({ maxDepth: wholeNumber(1, 7) }).optional(),
  autoTasks: count.optional().describe("Live tasks that exchanges without `task_id` may open; for role agent."),
  openTasks: count
    .optional()
    .describe("Open tasks at a time: that an agent works on, and that an agent or orchestrator opened."),
  mayOpenFor: z.strictObject({ agents: patterns, templates: patterns }).optional(),
  audiences: z.array(text).min(1, "must name at least one").max(50, "must name at most 50").optional(),
  may: z
    .array(z.enum(["read", "kill", "policy"]))
    .min(1, "must name at least one")
    .refine(distinct, once)
    .optional(),
});

const provider = z.looseObject({ type: name }).describe("Further members are the provider type's own options.");

const parameter = z.strictObject({
  type: z.enum(["string", "integer", "boolean"]),
  description: z.string().optional(),
  enum: z
    .array(text)
    .min(1, "must name at least one")
    .max(200, "must name at most 200")
    .refine(distinct, once)
    .optional(),
  prefix: text.optional(),
  alphabet: text.optional().describe("Letters and ranges: `a-z0-9_-`. Needed before a scope may use the parameter."),
  maxLength: wholeNumber(1, 1024).optional(),
  min: z.int("must be a whole number").optional(),
  max: z.int("must be a whole number").optional(),
  required: z.boolean().optional(),
  default: z.union([z.string(), z.boolean(), z.int()], "must be text, a whole number, true or false").optional(),
});

const limits = z.strictObject({
  liveLeasesPerTask: count.optional(),
  liveLeasesPerTree: count.optional(),
  liveLeasesPerAgent: count.optional(),
  liveLeases: count.optional(),
  mintsPerMinutePerAgent: count.optional(),
  mintsPerMinute: count.optional(),
});

const requirements = z.strictObject({
  revocation: z
    .array(z.enum(["immediate", "eventual", "parent-kill", "expiry-only"]))
    .min(1, "must name at least one")
    .optional(),
  probe: z
    .array(z.enum(["data-plane", "control-plane", "none"]))
    .min(1, "must name at least one")
    .optional(),
  killsOpenSessions: z.boolean().default(false),
  proofOfPossession: z.boolean().default(false),
});

const credentialTemplate = z.strictObject({
  provider: name.describe("Name of a Provider."),
  agents: patterns.describe("Which AgentProfiles may ask."),
  actionClass,
  sensitivity,
  ttl: z.strictObject({ defaultSeconds: span, maxSeconds: span }),
  parameters: z.record(z.string(), parameter).default({}),
  scope: z.record(z.string(), z.unknown()).describe("What the credential may do, in the provider's words."),
  when: condition.optional(),
  denyWhen: condition.optional(),
  limits: limits.default({}),
  requires: requirements.optional(),
  autoTask: z.boolean().default(false),
  allowEarlyKill: z.boolean().default(false),
  allowExpiryOnly: z.boolean().default(false),
  issueWhenKillPathBroken: z.boolean().default(false),
});

const guardrail = z.strictObject({
  match: z
    .strictObject({
      agents: patterns.default([]),
      templates: patterns.default([]),
      providers: patterns.default([]),
      actionClasses: z.array(actionClass).min(1, "must name at least one").default([]),
      sensitivities: z.array(sensitivity).min(1, "must name at least one").default([]),
    })
    .prefault({})
    .describe("All selectors must match; one that is left out matches everything."),
  deny: z.boolean().default(false),
  denyWhen: condition.optional(),
  maxTtlSeconds: span.optional(),
  requires: requirements.optional(),
  limits: limits.default({}),
});

export const specs = {
  TrustedIssuer: trustedIssuer,
  AgentProfile: agentProfile,
  Provider: provider,
  CredentialTemplate: credentialTemplate,
  Guardrail: guardrail,
} as const;

export type Kind = keyof typeof specs;
export type SpecOf<K extends Kind> = z.output<(typeof specs)[K]>;
export type ParameterSpec = z.output<typeof parameter>;
export type LimitsSpec = z.output<typeof limits>;
export type RequirementsSpec = z.output<typeof requirements>;

export const kinds = Object.keys(specs) as readonly Kind[];
export const apiVersion = "mayfly.dev/v1";

export const envelope = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.enum(kinds),
  metadata: z.strictObject({ name, description: z.string().optional() }),
  spec: z.unknown(),
});
