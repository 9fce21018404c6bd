/** An authority of one's own, as the providers' page says to add it: read by Node at its start, so a process is started. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificates } from "../support/certificates.ts";
import { listenOnLoopback, type LoopbackServer } from "../support/loopback-server.ts";

const client = pathToFileURL(join(import.meta.dirname, "../../src/entry/node-http-client.ts")).href;
const program = (url: string): string => `
  const { createNodeHttpClient } = await import(${JSON.stringify(client)});
  const http = createNodeHttpClient({ allowInsecureLoopback: false, maxConnectionsPerOrigin: 1 });
  const request = { method: "GET", url: ${JSON.stringify(url)}, headers: {}, timeout: 10_000, maxBytes: 1000 };
  console.log(JSON.stringify(await http.send(request)));
  await http.close();`;

const folder = mkdtempSync(join(tmpdir(), "mayfly-authorities-"));
let server: LoopbackServer;
let connections = 0;
let asked = 0;

beforeAll(async () => {
  const { cert, key } = makeCertificates(folder);
  const https = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) => {
    asked += 1;
    response.end("seen");
  });
  https.on("connection", () => (connections += 1));
  server = await listenOnLoopback(https);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function ask(env: Readonly<Record<string, string>>, host = "127.0.0.1"): Promise<unknown> {
  [connections, asked] = [0, 0];
  const args = ["--input-type=module", "--eval", program(`https://${host}:${server.port}/`)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout);
}

describe("outbound TLS", () => {
  const added = { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
  const refused = { ok: false, fault: { reason: "not_sent", maybeSent: false } };

  it("believes an authority that NODE_EXTRA_CA_CERTS adds", async () => {
    expect(await ask(added)).toMatchObject({ ok: true, value: { status: 200, body: "seen" } });
  });

  it.each([
    { name: "an authority that nobody added", env: {}, host: "127.0.0.1" },
    { name: "a certificate of another host", env: added, host: "localhost" },
    { name: "a wish to check nothing", env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" }, host: "127.0.0.1" },
  ])("refuses $name, and sends nothing", async ({ env, host }) => {
    expect(await ask(env, host)).toEqual(refused);
    expect([connections, asked]).toEqual([1, 0]);
  });
});
