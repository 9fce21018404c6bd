/**
 * How the broker proves itself to the authorization server: private_key_jwt (RFC 7523 §2.2) with a fresh assertion for
 * each request, or a client secret (RFC 6749 §2.3.1). Answers what to add to a request; sends nothing.
 */
import { calculateJwkThumbprint, importJWK, SignJWT, type JWK } from "jose";
import { base64UrlFromBytes } from "../../src/kernel/base64url.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { toNumericDate } from "../../src/kernel/time.ts";
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { ProviderTools } from "../../src/ports/provider.ts";
import type { TokenSigner } from "../../src/ports/token-signer.ts";
import type { Endpoints } from "./endpoints.ts";
import { jsonObjectOf } from "../shared/json-object.ts";
import type { ClientAuthOptions, OAuthOptions } from "./options.ts";

export interface Authentication {
  readonly secretHeaders: Readonly<Record<string, Redacted>>;
  /** Into the form, which as a whole is secret. */
  readonly fields: Readonly<Record<string, Redacted>>;
}
/** `url` is the endpoint that the request goes to. */
export type ClientAuth = (request: { endpoints: Endpoints; url: string }) => Promise<Authentication>;

const assertionSeconds = 60;
/** Of draft-ietf-oauth-rfc7523bis: says what it is, so that it can be taken for nothing else. */
const assertionType = "client-authentication+jwt";

export async function createClientAuth(
  options: OAuthOptions,
  tools: ProviderTools,
): Promise<Result<ClientAuth, ScopeFault>> {
  const { clientAuth } = options;
  if (clientAuth.method === "private_key_jwt") return privateKeyJwt(options, clientAuth, tools);
  const secret = await tools.resolveSecret(clientAuth.secret);
  if (!secret.ok) return err({ path: "clientSecret", message: secret.fault });
  // RFC 6749 appendix A.2. What is outside is nearly always the line break of a file.
  if (!/^[\u0020-\u007e]+$/.test(secret.value.reveal()))
    return err({ path: "clientSecret", message: "must be printable ASCII on one line" });
  const fixed =
    clientAuth.method === "client_secret_basic"
      ? basic(options.clientId, secret.value, clientAuth.encoding)
      : post(options.clientId, secret.value);
  return ok(async () => fixed);
}

const post = (clientId: string, secret: Redacted): Authentication => ({
  secretHeaders: {},
  fields: { client_id: new Redacted(clientId, "client id"), client_secret: secret },
});

function basic(clientId: string, secret: Redacted, encoding: "form" | "none"): Authentication {
  const encoded = (text: string): string => (encoding === "form" ? formEncoded(text) : text);
  const pair = `${encoded(clientId)}:${encoded(secret.reveal())}`;
  return { secretHeaders: { authorization: new Redacted(`Basic ${btoa(pair)}`, "client authorization") }, fields: {} };
}

/** application/x-www-form-urlencoded, as RFC 6749 §2.3.1 wants both halves of the pair. */
const formEncoded = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1);

type PrivateKeyJwt = Extract<ClientAuthOptions, { method: "private_key_jwt" }>;
type Sign = TokenSigner["sign"];

async function privateKeyJwt(
  options: OAuthOptions,
  clientAuth: PrivateKeyJwt,
  tools: ProviderTools,
): Promise<Result<ClientAuth, ScopeFault>> {
  const sign =
    clientAuth.key === undefined ? ok<Sign>((input) => tools.signer.sign(input)) : await ownKey(clientAuth.key, tools);
  if (!sign.ok) return sign;
  return ok(async ({ endpoints, url }) => {
    const audiences = { issuer: options.issuer, token_endpoint: endpoints.token, called_endpoint: url };
    const issuedAt = toNumericDate(tools.now());
    const assertion = await sign.value({
      type: assertionType,
      claims: {
        iss: options.clientId,
        sub: options.clientId,
        aud: audiences[clientAuth.audience],
        jti: base64UrlFromBytes(tools.randomBytes(16)),
        iat: issuedAt,
        exp: issuedAt + assertionSeconds,
      },
    });
    return {
      secretHeaders: {},
      fields: {
        client_id: new Redacted(options.clientId, "client id"),
        client_assertion_type: new Redacted("urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "assertion type"),
        client_assertion: new Redacted(assertion, "client assertion"),
      },
    };
  });
}

/** A key that only this provider uses, as a private JWK. */
async function ownKey(reference: JsonObject, tools: ProviderTools): Promise<Result<Sign, ScopeFault>> {
  const refuse = (message: string): Result<never, ScopeFault> => err({ path: "clientKey", message });
  const text = await tools.resolveSecret(reference);
  if (!text.ok) return refuse(text.fault);
  const jwk = jsonObjectOf(text.value.reveal());
  const algorithm = jwk === null ? undefined : algorithmOf(jwk);
  if (jwk === null || algorithm === undefined || typeof jwk["d"] !== "string")
    return refuse("must be a private JWK: EC P-256, OKP Ed25519 or RSA");
  try {
    // Key operations written by generators keep jose from using the key.
    const { key_ops: _operations, ext: _extractable, ...members } = jwk;
    const key = await importJWK(members as JWK, algorithm);
    const kid = typeof jwk["kid"] === "string" ? jwk["kid"] : await calculateJwkThumbprint(members);
    return ok(({ type, claims }) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: algorithm, typ: type, kid }).sign(key),
    );
  } catch {
    return refuse("is not a usable private JWK");
  }
}

function algorithmOf(jwk: Readonly<Record<string, unknown>>): string | undefined {
  const { kty, crv, alg } = jwk;
  if (kty === "EC" && crv === "P-256") return "ES256";
  if (kty === "OKP" && crv === "Ed25519") return "EdDSA";
  if (kty === "RSA") return alg === "PS256" ? "PS256" : "RS256";
  return undefined;
}
