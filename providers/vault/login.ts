/** One login of the broker, by each way that it knows. Answers the token and its life; keeps nothing, repeats nothing. */
import { base64UrlFromBytes } from "../../src/kernel/base64url.ts";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { addMillis, toNumericDate, type EpochMillis } from "../../src/kernel/time.ts";
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { ProviderTools } from "../../src/ports/provider.ts";
import { isDone, isPassing, membersOf, numberOf, textOf, type Members } from "./answers.ts";
import type { VaultAnswer, VaultClient } from "./client.ts";
import type { LoginOptions } from "./options.ts";

export interface BrokerToken {
  readonly value: Redacted;
  readonly obtainedAt: EpochMillis;
  /** Null: it never ends. */
  readonly endsAt: EpochMillis | null;
  readonly renewable: boolean;
}

export interface LoginFault {
  readonly reason: string;
  /** Whether time alone may help; else a person must. */
  readonly passing: boolean;
}

export interface Login {
  enter(): Promise<Result<BrokerToken, LoginFault>>;
  /** Prolongs; never beyond what the server allows, so what comes may be as short as before. */
  renew(token: BrokerToken): Promise<Result<BrokerToken, LoginFault>>;
}

const assertionSeconds = 60;

export async function createLogin(
  login: LoginOptions,
  client: VaultClient,
  tools: ProviderTools,
): Promise<Result<Login, ScopeFault>> {
  const { now } = tools;
  const renew: Login["renew"] = async ({ value }) =>
    tokenOf(await client.send({ verb: "write", path: "auth/token/renew-self", body: {}, token: value }), now());
  if (login.method === "token") {
    const token = await readSecret(tools, "token", login.token);
    return token.ok ? ok({ enter: () => lookUp(client, token.value, now), renew }) : token;
  }
  const body = await bodyOf(login, tools);
  if (!body.ok) return body;
  const path = `auth/${login.mount}/login`;
  return ok({
    enter: async () =>
      tokenOf(await client.send({ verb: "write", path, body: await body.value(), token: null }), now()),
    renew,
  });
}

type Body = () => Promise<Readonly<Record<string, Json | Redacted>>>;

async function bodyOf(
  login: Exclude<LoginOptions, { method: "token" }>,
  tools: ProviderTools,
): Promise<Result<Body, ScopeFault>> {
  if (login.method === "approle") {
    const secretId = await readSecret(tools, "secretId", login.secretId);
    return secretId.ok ? ok(async () => ({ role_id: login.roleId, secret_id: secretId.value })) : secretId;
  }
  const { role } = login;
  if (login.method === "jwt" && login.jwt === undefined) {
    const { audience } = login;
    return ok(async () => ({ role, jwt: await ownAssertion(tools, audience) }));
  }
  const jwt = await readSecret(tools, "jwt", login.jwt ?? {});
  return jwt.ok ? ok(async () => ({ role, jwt: jwt.value })) : jwt;
}

/** The broker says who it is by its signing ring; the server checks that with the broker's `/jwks`. */
async function ownAssertion(tools: ProviderTools, audience: string): Promise<Redacted> {
  const issuedAt = toNumericDate(tools.now());
  const claims = {
    iss: tools.issuerUrl,
    sub: tools.issuerUrl,
    aud: audience,
    jti: base64UrlFromBytes(tools.randomBytes(16)),
    iat: issuedAt,
    exp: issuedAt + assertionSeconds,
  };
  return new Redacted(await tools.signer.sign({ type: "JWT", claims }), "vault login assertion");
}

async function readSecret(
  tools: ProviderTools,
  path: string,
  reference: JsonObject,
): Promise<Result<Redacted, ScopeFault>> {
  const secret = await tools.resolveSecret(reference);
  return secret.ok ? secret : err({ path, message: secret.fault });
}

/** A token that was made elsewhere: how long it lives is asked of the server. */
async function lookUp(
  client: VaultClient,
  value: Redacted,
  now: () => EpochMillis,
): Promise<Result<BrokerToken, LoginFault>> {
  const answer = await client.send({ verb: "read", path: "auth/token/lookup-self", token: value });
  if (!isDone(answer)) return err(faultOf(answer));
  const data = membersOf(answer.body, "data");
  const neverEnds = data["expire_time"] === null || data["expire_time"] === undefined;
  const ttlSeconds = neverEnds ? 0 : Math.max(1, numberOf(data, "ttl") ?? 0);
  return ok(brokerToken({ value, now: now(), ttlSeconds, data }));
}

function tokenOf(answer: VaultAnswer, now: EpochMillis): Result<BrokerToken, LoginFault> {
  if (!isDone(answer)) return err(faultOf(answer));
  const data = membersOf(answer.body, "auth");
  const token = textOf(data, "client_token");
  if (token === undefined) return err({ reason: "login_unreadable", passing: true });
  const value = new Redacted(token, "vault broker token");
  return ok(brokerToken({ value, now, ttlSeconds: numberOf(data, "lease_duration") ?? 0, data }));
}

const brokerToken = (read: { value: Redacted; now: EpochMillis; ttlSeconds: number; data: Members }): BrokerToken => ({
  value: read.value,
  obtainedAt: read.now,
  endsAt: read.ttlSeconds > 0 ? addMillis(read.now, read.ttlSeconds * 1000) : null,
  renewable: read.data["renewable"] === true,
});

function faultOf(answer: VaultAnswer): LoginFault {
  if (answer.kind === "failed") return { reason: `login_${answer.reason}`, passing: true };
  return { reason: `login_status_${answer.status}`, passing: isPassing(answer.status) };
}
