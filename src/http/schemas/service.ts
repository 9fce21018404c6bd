/** Errors, health, keys and metadata as documented. */
import * as z from "zod";
import { named } from "./wire-schema.ts";

const extensions = {
  reason: z.string().optional().meta({ description: "From a closed set: what a program branches on" }),
  lease_id: z.string().optional(),
  gate: z.string().optional(),
  limit: z.string().optional(),
  member: z.string().optional().meta({ description: "Of a malformed request: what to correct" }),
  request_id: z.string().meta({ description: "Finds the detail in log and audit" }),
};

export const problem = named(
  "Problem",
  z
    .object({ type: z.string(), title: z.string(), status: z.int(), detail: z.string(), ...extensions })
    .meta({ description: "RFC 9457" }),
);

export const oauthError = named(
  "OAuthError",
  z.object({ error: z.string(), error_description: z.string(), ...extensions }).meta({ description: "RFC 6749 §5.2" }),
);

export const liveness = named("Liveness", z.object({ status: z.literal("ok") }));

export const readinessAnswer = named(
  "Readiness",
  z.object({
    ready: z
      .boolean()
      .meta({ description: "Whether the broker would issue now; ending and killing do not depend on it" }),
    store: z.enum(["ok", "disk_full", "clock_suspect", "restoring", "stopped", "unreachable"]),
  }),
);

export const operatorReadiness = named(
  "OperatorReadiness",
  readinessAnswer.extend({
    policy_digest: z.string(),
    could_lose: z
      .object({ seconds: z.number().nullable(), because: z.string() })
      .optional()
      .meta({ description: "What of the newest changes a server's death could take; null seconds: all of them" }),
    counts: z.object({ open_tasks: z.int(), live_leases: z.int(), stuck_leases: z.int() }).optional(),
  }),
);

export const keySet = named("KeySet", z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }));

export const metadata = named(
  "Metadata",
  z
    .object({
      issuer: z.string(),
      token_endpoint: z.string(),
      revocation_endpoint: z.string(),
      introspection_endpoint: z.string(),
      jwks_uri: z.string(),
      grant_types_supported: z.array(z.string()),
      response_types_supported: z.array(z.string()),
      token_endpoint_auth_methods_supported: z.array(z.string()),
      revocation_endpoint_auth_methods_supported: z.array(z.string()),
      introspection_endpoint_auth_methods_supported: z.array(z.string()),
      authorization_details_types_supported: z.array(z.string()),
    })
    .meta({ description: "RFC 8414" }),
);
export type MetadataAnswer = z.input<typeof metadata>;

export const openIdConfiguration = named(
  "OpenIdConfiguration",
  z
    .object({
      issuer: z.string(),
      jwks_uri: z.string(),
      response_types_supported: z.array(z.string()),
      subject_types_supported: z.array(z.string()),
      id_token_signing_alg_values_supported: z.array(z.string()),
      claims_supported: z.array(z.string()),
    })
    .meta({ description: "OpenID Connect Discovery 1.0 §3, as far as it tells how to check a token of the broker" }),
);
export type OpenIdAnswer = z.input<typeof openIdConfiguration>;

export const openApiDocument = named("OpenApi", z.looseObject({ openapi: z.string() }));
