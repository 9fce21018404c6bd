/**
 * An API that wants a bearer token (RFC 6750) and judges it as real resource servers do: by asking an introspection
 * endpoint (RFC 7662) for each request, or by checking the signature of a JWT access token (RFC 9068).
 */
import type { ServerResponse } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { serveOnLoopback, type Loopback } from "./loopback.ts";

/** The scopes of a token that is good now, or undefined. */
export type JudgeToken = (token: string) => Promise<readonly string[] | undefined>;

export interface ProtectedApi extends Loopback {
  /** Calls the API with the token, as an agent would: the HTTP status. */
  use(token: string): Promise<number>;
}

export async function startProtectedApi(options: {
  judge: JudgeToken;
  scope: string;
  port?: number;
}): Promise<ProtectedApi> {
  const loopback = await serveOnLoopback((request, response) => {
    const token = /^Bearer ([\x21-\x7e]+)$/.exec(request.headers.authorization ?? "")?.[1];
    void answer(response, options, token);
  }, options.port);
  return {
    ...loopback,
    async use(token) {
      const response = await fetch(`${loopback.url}/report`, { headers: { authorization: `Bearer ${token}` } });
      await response.body?.cancel();
      return response.status;
    },
  };
}

type Judging = { judge: JudgeToken; scope: string };

async function answer(response: ServerResponse, options: Judging, token: string | undefined): Promise<void> {
  const status = await statusFor(options, token);
  if (status === 401) response.setHeader("www-authenticate", 'Bearer error="invalid_token"');
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(status === 200 ? { report: "the numbers of the day" } : { error: status }));
}

async function statusFor(options: Judging, token: string | undefined): Promise<number> {
  if (token === undefined) return 401;
  try {
    const scopes = await options.judge(token);
    if (scopes === undefined) return 401;
    return scopes.includes(options.scope) ? 200 : 403;
  } catch {
    return 503; // whoever must be asked is away: not a word about the token
  }
}

export function judgeByIntrospection(options: {
  endpoint: string;
  /** The Authorization header of the API itself. */
  authorization: () => string | Promise<string>;
  audience: string;
}): JudgeToken {
  return async (token) => {
    const response = await fetch(options.endpoint, {
      method: "POST",
      headers: { authorization: await options.authorization() },
      body: new URLSearchParams({ token }),
    });
    if (response.status !== 200) throw new Error(`introspection answered ${response.status}`);
    const body = (await response.json()) as { active?: boolean; aud?: string | readonly string[]; scope?: string };
    const isForUs = body.active === true && [body.aud ?? []].flat().includes(options.audience);
    return isForUs ? (body.scope ?? "").split(" ") : undefined;
  };
}

export function judgeBySignature(options: {
  jwksUri: string;
  issuer: string;
  audience: string;
  /** The time that the API believes it is; tests look ahead. */
  now?: () => Date;
}): JudgeToken {
  const keys = createRemoteJWKSet(new URL(options.jwksUri));
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: options.issuer,
        audience: options.audience,
        typ: "at+jwt",
        algorithms: ["ES256"],
        currentDate: options.now?.() ?? new Date(),
      });
      return typeof payload["scope"] === "string" ? payload["scope"].split(" ") : [];
    } catch {
      return undefined;
    }
  };
}
