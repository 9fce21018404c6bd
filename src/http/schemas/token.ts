/** `POST /token` (RFC 8693 §2.1, §2.2; RFC 9396 for parameters) as it is validated and documented. */
import * as z from "zod";
import { accessTokenTypeUri, detailsType, jwtTokenTypeUri, tokenExchangeGrant } from "../token-uris.ts";
import { jsonMembers, leaseIdText, instant, named, resourceName, taskIdText } from "./wire-schema.ts";

/** In the order in which mistakes are told. Unknown parameters are ignored (RFC 6749 §3.2). */
export const tokenForm = named(
  "TokenRequest",
  z.object({
    grant_type: z.literal(tokenExchangeGrant),
    subject_token: z.string().meta({ description: "The attestation: a JWT of a trusted issuer" }),
    subject_token_type: z.literal(jwtTokenTypeUri),
    requested_token_type: z.literal(accessTokenTypeUri).optional(),
    scope: resourceName.meta({ description: "The name of one template" }),
    authorization_details: z
      .string()
      .optional()
      .meta({ description: "JSON text of AuthorizationDetails", contentMediaType: "application/json" }),
    requested_ttl: z
      .string()
      .regex(/^[1-9][0-9]{0,8}$/, "must be a whole number of seconds, from 1 to 999999999")
      .optional()
      .meta({ description: "Seconds; the shortest of all bounds wins" }),
    task_id: taskIdText.optional().meta({ description: "Left out: a task is opened for this one exchange" }),
    replaces: leaseIdText.optional().meta({ description: "The lease that this one takes the place of" }),
    client_id: z.string().optional().meta({ description: "The agent's name, if sent" }),
    audience: z.string().optional(),
    resource: z.string().optional(),
  }),
);

export const authorizationDetails = named(
  "AuthorizationDetails",
  z
    .array(
      z.strictObject({
        type: z.literal(detailsType),
        template: resourceName,
        parameters: jsonMembers.optional(),
      }),
    )
    .length(1),
);

export const tokenAnswer = named(
  "TokenResponse",
  z.object({
    access_token: z.string().meta({ description: "The bearer value, or the compact JSON of a structured credential" }),
    issued_token_type: z.string(),
    token_type: z.enum(["Bearer", "DPoP", "N_A"]),
    expires_in: z.int().nonnegative(),
    scope: z.string(),
    authorization_details: z.array(
      z.object({ type: z.literal(detailsType), template: z.string(), parameters: z.record(z.string(), z.unknown()) }),
    ),
    task_id: z.string(),
    lease_id: z.string(),
    ttl_bound: z.string().meta({ description: "The bound that won" }),
    provider_expires_at: instant.meta({ description: "When the credential stops by itself at its provider" }),
    revocation: z.enum(["immediate", "eventual", "parent-kill", "expiry-only"]),
    revocation_settle_seconds: z.int().nonnegative().optional(),
    credential: z.looseObject({ type: z.string() }).optional(),
  }),
);
export type TokenAnswer = z.input<typeof tokenAnswer>;

export const tokenReference = named(
  "TokenReference",
  z.object({ token: z.string(), token_type_hint: z.string().optional() }),
);

export const introspection = named(
  "Introspection",
  z.looseObject({ active: z.boolean() }).meta({ description: "RFC 7662 §2.2; claims only where active" }),
);
