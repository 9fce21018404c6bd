/** How clients and resource servers find their way: RFC 8414 metadata and the public keys (RFC 7517). */
import type { Broker } from "../../broker/broker.ts";
import { ok } from "../../kernel/result.ts";
import type { Endpoint } from "../endpoint.ts";
import { keySet, metadata, openIdConfiguration, type MetadataAnswer, type OpenIdAnswer } from "../schemas/service.ts";
import { detailsType, tokenExchangeGrant } from "../token-uris.ts";

export const discoveryEndpoints = (broker: Broker): readonly Endpoint[] => [
  {
    method: "get",
    path: "/.well-known/oauth-authorization-server",
    operation: "readMetadata",
    summary: "Authorization server metadata (RFC 8414)",
    shape: "problem",
    access: "anyone",
    answers: { 200: { description: "What this server supports", schema: metadata } },
    handle: () => Promise.resolve(ok({ status: 200, json: metadataOf(broker.issuerUrl) })),
  },
  {
    method: "get",
    path: "/.well-known/openid-configuration",
    operation: "readOpenIdConfiguration",
    summary: "Where systems that trust the broker as an identity provider find its keys",
    shape: "problem",
    access: "anyone",
    answers: { 200: { description: "Issuer, keys and algorithms", schema: openIdConfiguration } },
    handle: () => Promise.resolve(ok({ status: 200, json: openIdConfigurationOf(broker) })),
  },
  {
    method: "get",
    path: "/jwks",
    operation: "readKeys",
    summary: "Public keys of the broker's own tokens",
    shape: "problem",
    access: "anyone",
    answers: { 200: { description: "A JWK Set", schema: keySet, type: "application/jwk-set+json" } },
    handle: () =>
      Promise.resolve(
        ok({
          status: 200,
          json: { keys: broker.publicKeys() },
          headers: { "Content-Type": "application/jwk-set+json" },
        }),
      ),
  },
];

/** Addresses come from configuration, never from the Host header. */
function metadataOf(issuer: string): MetadataAnswer {
  const base = baseOf(issuer);
  return {
    issuer,
    token_endpoint: `${base}/token`,
    revocation_endpoint: `${base}/revoke`,
    introspection_endpoint: `${base}/introspect`,
    jwks_uri: `${base}/jwks`,
    grant_types_supported: [tokenExchangeGrant],
    // Required by RFC 8414 §2; there is no authorization endpoint.
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ["none"],
    revocation_endpoint_auth_methods_supported: ["none"],
    introspection_endpoint_auth_methods_supported: ["Bearer"],
    authorization_details_types_supported: [detailsType],
  };
}

/** There is no login here: what OpenID Connect demands beside the keys is said as it demands it. */
function openIdConfigurationOf(broker: Broker): OpenIdAnswer {
  const algorithms = broker.publicKeys().flatMap(({ alg }) => (typeof alg === "string" ? [alg] : []));
  return {
    issuer: broker.issuerUrl,
    jwks_uri: `${baseOf(broker.issuerUrl)}/jwks`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(algorithms)],
    claims_supported: ["iss", "sub", "aud", "exp", "iat", "jti"],
  };
}

const baseOf = (issuer: string): string => (issuer.endsWith("/") ? issuer.slice(0, -1) : issuer);
