/**
 * The speed of light of an issue on this machine: HTTP, one verification, one signature and two appended rows in a
 * group commit, with nothing of the broker in between: no policy, no tasks, no states, no limits, no audit chain.
 * Works in phases, as the fastest arrangement that was found does.
 */
import { hash, type JsonWebKey, type KeyObject } from "node:crypto";
import { fdatasync, openSync, write } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { serveActor } from "../actor.ts";
import { encodeHeader, generateKeyPair, openToken, privateKeyOf, publicKeyOf, signToken } from "../es256.ts";

interface Waiting {
  readonly body: string;
  readonly response: ServerResponse;
}

interface Ready {
  readonly response: ServerResponse;
  readonly answer: string;
}

const header = encodeHeader({ alg: "ES256", typ: "at+jwt", kid: "bare" });
const signingKey = privateKeyOf(generateKeyPair("bare"));
const seen = new Map<string, Record<string, unknown>>();
let arrived: Waiting[] = [];
let issued = 0;

/** One write and one sync for all that came while the last ones were under way. */
function createLog(file: string): { append(rows: string, done: readonly Ready[]): void } {
  const descriptor = openSync(file, "a");
  let rows: string[] = [];
  let done: Ready[] = [];
  let isBusy = false;
  const flush = (): void => {
    const [text, ready] = [rows.join(""), done];
    [rows, done, isBusy] = [[], [], true];
    write(descriptor, text, () => {
      fdatasync(descriptor, () => {
        isBusy = false;
        for (const { response, answer } of ready) send(response, answer);
        if (done.length > 0) flush();
      });
    });
  };
  return {
    append(text, ready) {
      rows.push(text);
      done.push(...ready);
      if (!isBusy) flush();
    },
  };
}

function send(response: ServerResponse, answer: string): void {
  response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(answer);
}

function claimsOf(token: string, key: KeyObject, remembers: boolean): Record<string, unknown> | undefined {
  if (!remembers) return openToken(token, key);
  const digest = hash("sha256", token, "base64url");
  const known = seen.get(digest) ?? openToken(token, key);
  if (known !== undefined) seen.set(digest, known);
  return known;
}

function issue(body: string, key: KeyObject, remembers: boolean): { answer: string; rows: string } {
  const from = body.indexOf("subject_token=") + "subject_token=".length;
  const end = body.indexOf("&", from);
  const claims = claimsOf(body.slice(from, end < 0 ? body.length : end), key, remembers);
  const now = Math.floor(Date.now() / 1000);
  if (claims === undefined || Number(claims["exp"]) < now) throw new Error("the bench sent a bad token");
  issued += 1;
  const id = `lea_${issued}`;
  const token = signToken(
    header,
    { iss: "bare", sub: claims["sub"], aud: "bare", jti: id, iat: now, exp: now + 300, scope: "read" },
    signingKey,
  );
  const row = JSON.stringify({ id, at: now, sub: claims["sub"], expires_at: now + 300, state: "active" });
  const answer = { access_token: token, token_type: "Bearer", expires_in: 300, scope: "read", lease_id: id };
  return { answer: JSON.stringify(answer), rows: `${row}\n${row}\n` };
}

async function start(options: { dir: string; publicJwk: JsonWebKey; remembers: boolean }): Promise<string> {
  const key = publicKeyOf(options.publicJwk);
  const log = createLog(join(options.dir, "bare.log"));
  const work = (): void => {
    const batch = arrived;
    arrived = [];
    const results = batch.map(({ body, response }) => ({ response, ...issue(body, key, options.remembers) }));
    log.append(results.map(({ rows }) => rows).join(""), results);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const [first] = chunks;
      const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
      if (arrived.push({ body: body.toString("latin1"), response }) === 1) setImmediate(work);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

serveActor({ start, usage: () => process.cpuUsage() });
