/** Attacks on `POST /token`: each changes one thing of a request that is accepted. Status, error, reason. */
import { jwtType } from "../support/flow/client.ts";
import { brokerAudience, ledgerAudience } from "../support/flow/policy.ts";
import type { Servers } from "../support/flow/servers.ts";
import { encode } from "../support/issuer.ts";

export interface Forge {
  /** A good attestation of `forge-bot`, changed as told. */
  readonly forged: (wish?: {
    claims?: Readonly<Record<string, unknown>>;
    header?: Readonly<Record<string, unknown>>;
    lifetimeSeconds?: number;
    subject?: string;
  }) => string;
  readonly servers: Servers;
}

export interface Row {
  readonly form?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly attestation?: (forge: Forge) => string | Promise<string>;
  /** Instead of the form, as it is. */
  readonly body?: (good: string) => string;
}

const details = (...list: readonly object[]): { authorization_details: string } => ({
  authorization_details: JSON.stringify(list),
});
export const ledgerRead = (parameters: object, more: object = {}) =>
  details({ type: "mayfly_template", template: "ledger-read", parameters, ...more });

export const tokenTypes = "urn:ietf:params:oauth:token-type";
const seconds = () => Math.floor(Date.now() / 1000);

export const attackRows: Readonly<Record<string, readonly [Row, number, string, string?]>> = {
  // The request itself
  "no grant type": [{ form: { grant_type: undefined } }, 400, "invalid_request"],
  "another grant": [{ form: { grant_type: "client_credentials" } }, 400, "unsupported_grant_type"],
  "a refresh token grant": [{ form: { grant_type: "refresh_token" } }, 400, "unsupported_grant_type"],
  "no subject token": [{ form: { subject_token: undefined } }, 400, "invalid_request"],
  "no subject token type": [{ form: { subject_token_type: undefined } }, 400, "invalid_request"],
  "an ID token as subject": [{ form: { subject_token_type: `${tokenTypes}:id_token` } }, 400, "invalid_request"],
  "an access token as subject": [
    { form: { subject_token_type: `${tokenTypes}:access_token` } },
    400,
    "invalid_request",
  ],
  "a refresh token as subject": [
    { form: { subject_token_type: `${tokenTypes}:refresh_token` } },
    400,
    "invalid_request",
  ],
  "a SAML subject": [{ form: { subject_token_type: `${tokenTypes}:saml2` } }, 400, "invalid_request"],
  "a refresh token wanted": [{ form: { requested_token_type: `${tokenTypes}:refresh_token` } }, 400, "invalid_request"],
  "an ID token wanted": [{ form: { requested_token_type: `${tokenTypes}:id_token` } }, 400, "invalid_request"],
  "an actor token": [{ form: { actor_token: "x", actor_token_type: jwtType } }, 400, "invalid_request"],
  "an actor token without type": [{ form: { actor_token: "x" } }, 400, "invalid_request"],
  "an actor type without token": [{ form: { actor_token_type: jwtType } }, 400, "invalid_request"],
  "a repeated scope": [{ body: (good) => `${good}&scope=report` }, 400, "invalid_request"],
  "a repeated unknown parameter": [{ body: (good) => `${good}&x=1&x=2` }, 400, "invalid_request"],
  "a broken escape": [{ body: (good) => `${good}&x=%zz` }, 400, "invalid_request"],
  "a JSON body": [{ headers: { "content-type": "application/json" }, body: () => "{}" }, 415, "invalid_request"],
  "a body of 100 kB": [{ body: (good) => `${good}&x=${"y".repeat(100_000)}` }, 413, "invalid_request"],
  "a DPoP proof": [{ headers: { DPoP: "a.b.c" } }, 400, "invalid_request", "dpop_not_supported"],
  "a key with a space": [{ headers: { "Idempotency-Key": "a b" } }, 400, "invalid_request"],
  "a key of 300 characters": [{ headers: { "Idempotency-Key": "k".repeat(300) } }, 400, "invalid_request"],

  // Client authentication: nobody has a secret here
  "a client secret": [{ form: { client_id: "forge-bot", client_secret: "x" } }, 400, "invalid_client"],
  "a client assertion": [
    {
      form: { client_assertion: "x", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" },
    },
    400,
    "invalid_client",
  ],
  "a Basic header": [{ headers: { authorization: `Basic ${btoa("forge-bot:x")}` } }, 401, "invalid_client"],
  "a Bearer header": [{ headers: { authorization: "Bearer x" } }, 401, "invalid_client"],
  "another agent's client_id": [{ form: { client_id: "other-bot" } }, 400, "invalid_client"],
  "a client_id in other case": [{ form: { client_id: "Forge-Bot" } }, 400, "invalid_client"],

  // The scope
  "no scope": [{ form: { scope: undefined } }, 400, "invalid_request"],
  "an unknown template": [{ form: { scope: "no-such-template" } }, 400, "invalid_scope", "unknown_template"],
  "two templates": [{ form: { scope: "ledger-read report" } }, 400, "invalid_scope", "one_template_only"],
  "a wildcard": [{ form: { scope: "*" } }, 400, "invalid_scope", "unknown_template"],
  "a glob": [{ form: { scope: "ledger-*" } }, 400, "invalid_scope", "unknown_template"],
  "another case": [{ form: { scope: "Ledger-Read" } }, 400, "invalid_scope", "unknown_template"],
  "a look-alike letter": [{ form: { scope: "l\u0435dger-read" } }, 400, "invalid_scope", "unknown_template"],
  "a zero-width space": [{ form: { scope: "ledger-read\u200b" } }, 400, "invalid_scope", "unknown_template"],
  "the OAuth server's own scope": [{ form: { scope: "ledger:read:emea" } }, 400, "invalid_scope", "unknown_template"],
  "a template that the task was not opened for": [
    { form: { scope: "other-read" } },
    400,
    "access_denied",
    "template_not_in_task",
  ],
  "a template for other agents": [{ form: { scope: "not-me" } }, 400, "access_denied", "agent_not_in_template"],
  "a condition that does not hold": [{ form: { scope: "prod-only" } }, 400, "access_denied", "when"],
  "no task where the template wants one": [
    { form: { task_id: undefined } },
    400,
    "access_denied",
    "auto_task_not_allowed",
  ],
  "another audience": [{ form: { audience: "https://elsewhere.example" } }, 400, "invalid_target"],
  "another resource": [{ form: { resource: "https://elsewhere.example" } }, 400, "invalid_target"],
  "an audience that begins alike": [{ form: { audience: `${ledgerAudience}/more` } }, 400, "invalid_target"],

  // Authorization details (RFC 9396)
  "details that are not JSON": [
    { form: { authorization_details: "{" } },
    400,
    "invalid_authorization_details",
    "not_json",
  ],
  "details as an object": [
    { form: { authorization_details: "{}" } },
    400,
    "invalid_authorization_details",
    "one_object_only",
  ],
  "no detail": [{ form: details() }, 400, "invalid_authorization_details", "one_object_only"],
  "two details": [
    {
      form: details(
        { type: "mayfly_template", template: "ledger-read" },
        { type: "mayfly_template", template: "report" },
      ),
    },
    400,
    "invalid_authorization_details",
    "one_object_only",
  ],
  "an unknown type": [
    { form: details({ type: "payment", template: "ledger-read" }) },
    400,
    "invalid_authorization_details",
    "unknown_type",
  ],
  "an unknown member": [
    { form: ledgerRead({}, { actions: ["write"] }) },
    400,
    "invalid_authorization_details",
    "malformed",
  ],
  "a member twice": [
    { form: { authorization_details: '[{"type":"mayfly_template","template":"report","template":"ledger-read"}]' } },
    400,
    "invalid_authorization_details",
    "not_json",
  ],
  "details of another template": [
    { form: details({ type: "mayfly_template", template: "report" }) },
    400,
    "invalid_request",
  ],
  "an unknown parameter": [
    { form: ledgerRead({ region: "emea", admin: true }) },
    400,
    "invalid_authorization_details",
    "parameters",
  ],
  "a value outside the list": [
    { form: ledgerRead({ region: "latam" }) },
    400,
    "invalid_authorization_details",
    "parameters",
  ],
  "a value in other case": [
    { form: ledgerRead({ region: "EMEA" }) },
    400,
    "invalid_authorization_details",
    "parameters",
  ],
  "a value with more behind it": [
    { form: ledgerRead({ region: "emea ledger:write" }) },
    400,
    "invalid_authorization_details",
    "parameters",
  ],
  "a list of values": [
    { form: ledgerRead({ region: ["emea", "apac"] }) },
    400,
    "invalid_authorization_details",
    "parameters",
  ],
  "a prototype as parameter": [
    {
      form: {
        authorization_details:
          '[{"type":"mayfly_template","template":"ledger-read","parameters":{"__proto__":{"region":"apac"}}}]',
      },
    },
    400,
    "invalid_authorization_details",
  ],

  // Lifetime
  "a lifetime of zero": [{ form: { requested_ttl: "0" } }, 400, "invalid_request"],
  "a negative lifetime": [{ form: { requested_ttl: "-1" } }, 400, "invalid_request"],
  "a fraction": [{ form: { requested_ttl: "1.5" } }, 400, "invalid_request"],
  "an exponent": [{ form: { requested_ttl: "1e3" } }, 400, "invalid_request"],
  "a hexadecimal lifetime": [{ form: { requested_ttl: "0x10" } }, 400, "invalid_request"],
  "digits of another script": [{ form: { requested_ttl: "\u0661\u0662" } }, 400, "invalid_request"],
  "a lifetime beyond numbers": [{ form: { requested_ttl: "9".repeat(30) } }, 400, "invalid_request"],

  // Whose task
  "an unknown task": [{ form: { task_id: `tsk_${"0".repeat(21)}` } }, 400, "invalid_request", "not_found"],
  "a task id that cannot be": [{ form: { task_id: "tsk_../../admin" } }, 400, "invalid_request", "not_found"],
  "a lease to replace that is unknown": [
    { form: { replaces: `lea_${"0".repeat(21)}` } },
    400,
    "invalid_request",
    "not_found",
  ],

  // The attestation
  "not a token": [{ attestation: () => "x" }, 400, "invalid_request", "malformed"],
  "alg none": [
    { attestation: ({ forged }) => `${encode('{"alg":"none"}')}.${forged().split(".")[1] ?? ""}.` },
    400,
    "invalid_request",
  ],
  "an algorithm that its issuer does not use": [
    { attestation: ({ forged }) => forged({ header: { alg: "HS256" } }) },
    400,
    "invalid_request",
    "algorithm",
  ],
  "a signature of someone else": [
    { attestation: ({ forged }) => `${forged().slice(0, -8)}AAAAAAAA` },
    400,
    "invalid_request",
    "signature",
  ],
  "an issuer that no one trusts": [
    { attestation: ({ forged }) => forged({ claims: { iss: "https://evil.example" } }) },
    400,
    "invalid_request",
    "unknown_issuer",
  ],
  "a trusted issuer's name, another's key": [
    { attestation: ({ forged, servers }) => forged({ claims: { iss: servers.once.url } }) },
    400,
    "invalid_request",
  ],
  "for another broker": [
    { attestation: ({ forged }) => forged({ claims: { aud: "https://another-broker.example" } }) },
    400,
    "invalid_request",
    "audience",
  ],
  "for us and for another": [
    { attestation: ({ forged }) => forged({ claims: { aud: [brokerAudience, "https://another-broker.example"] } }) },
    400,
    "invalid_request",
    "audience",
  ],
  "a real one for another broker": [
    { attestation: ({ servers }) => servers.workloads.attest("bot", "https://another-broker.example") },
    400,
    "invalid_request",
    "audience",
  ],
  "expired an hour ago": [
    { attestation: ({ forged }) => forged({ claims: { iat: seconds() - 3700, exp: seconds() - 3600 } }) },
    400,
    "invalid_request",
    "expired",
  ],
  "without an expiry": [
    { attestation: ({ forged }) => forged({ claims: { exp: undefined } }) },
    400,
    "invalid_request",
    "claims",
  ],
  "good for a year": [
    { attestation: ({ forged }) => forged({ lifetimeSeconds: 365 * 86_400 }) },
    400,
    "invalid_request",
    "lifetime",
  ],
  "bound to a key that nobody proves": [
    { attestation: ({ forged }) => forged({ claims: { cnf: { jkt: "x" } } }) },
    400,
    "invalid_request",
    "claims",
  ],
  "a DPoP proof as attestation": [
    { attestation: ({ forged }) => forged({ header: { typ: "dpop+jwt" } }) },
    400,
    "invalid_request",
    "type",
  ],
  "an access token as attestation": [
    { attestation: ({ forged }) => forged({ header: { typ: "at+jwt" } }) },
    400,
    "invalid_request",
    "type",
  ],
  "a logout token": [
    { attestation: ({ forged }) => forged({ claims: { events: {} } }) },
    400,
    "invalid_request",
    "type",
  ],
  "a subject that no profile has": [
    { attestation: ({ forged }) => forged({ subject: "nobody" }) },
    400,
    "invalid_request",
    "not_registered",
  ],
  "a subject of another issuer's profile": [
    { attestation: ({ forged }) => forged({ subject: "bot" }) },
    400,
    "invalid_request",
    "not_registered",
  ],
  "an attestation of 20 kB": [
    { attestation: ({ forged }) => forged({ claims: { pad: "x".repeat(20_000) } }) },
    400,
    "invalid_request",
    "too_large",
  ],
};
