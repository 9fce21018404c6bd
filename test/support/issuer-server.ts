/**
 * Puts a test issuer behind a real server on loopback: discovery and keys, every request counted, and any answer
 * replaced by a hostile one.
 */
import { createServer, type RequestListener } from "node:http";
import type { SignatureAlgorithm } from "../../src/domain/trusted-issuer.ts";
import { listenOnLoopback } from "./loopback-server.ts";
import { createTestIssuer, type TestIssuer } from "./issuer.ts";

export interface ServedIssuer extends TestIssuer {
  /** The path of each request so far. */
  readonly requests: readonly string[];
  /** How often the keys were asked for. */
  readonly keyRequests: () => number;
  /** Answers every further request; undefined makes the issuer behave again. */
  readonly misbehave: (listener: RequestListener | undefined) => void;
  readonly close: () => Promise<void>;
}

export const keysPath = "/keys";
export const discoveryPath = "/.well-known/openid-configuration";

export async function startIssuer(algorithm: SignatureAlgorithm = "ES256"): Promise<ServedIssuer> {
  const requests: string[] = [];
  let hostile: RequestListener | undefined;
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    if (hostile !== undefined) return hostile(request, response);
    const document = documents[request.url ?? ""];
    response.setHeader("content-type", "application/json");
    response.statusCode = document === undefined ? 404 : 200;
    response.end(JSON.stringify(document?.() ?? {}));
  });
  const listening = await listenOnLoopback(server);
  const { url } = listening;
  const issuer = createTestIssuer(url, algorithm);
  const documents: Readonly<Record<string, () => unknown>> = {
    [discoveryPath]: () => ({ issuer: url, jwks_uri: `${url}${keysPath}` }),
    [keysPath]: () => issuer.keySet(),
  };
  return {
    ...issuer,
    requests,
    keyRequests: () => requests.filter((path) => path === keysPath).length,
    misbehave: (listener) => {
      hostile = listener;
    },
    close: () => listening.close(),
  };
}
