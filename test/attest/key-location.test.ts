/** Where keys may come from: what an issuer's discovery document may and may not name. */
import type { RequestListener } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadKeySetText } from "../../src/attest/key-location.ts";
import { createNodeHttpClient, type NodeHttpClient } from "../../src/entry/node-http-client.ts";
import { err, ok } from "../../src/kernel/result.ts";
import { discoveryPath } from "../support/issuer-server.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
let http: NodeHttpClient;
let asked: string[];

beforeEach(async () => {
  world = await createWorld();
  http = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 1 });
  asked = [];
});
afterEach(async () => {
  await http.close();
  await world.close();
});

/** Requests to anywhere but loopback are noted and go nowhere. */
const load = (facts = world.facts) =>
  loadKeySetText(facts, {
    http: {
      send: async (request) => {
        asked.push(request.url);
        const isOurs = request.url.startsWith(world.issuer.url) || request.url.startsWith(world.attacker.url);
        return isOurs ? http.send(request) : err({ reason: "not_sent", maybeSent: false });
      },
    },
    loadText: async () => err("file"),
  });

const describeAs = (metadata: unknown): void =>
  world.issuer.misbehave((request, response) =>
    response.end(JSON.stringify(request.url === discoveryPath ? metadata : world.issuer.keySet())),
  );

describe("key location: discovery", () => {
  it("leads to the keys", async () => {
    expect(await load()).toEqual(ok(JSON.stringify(world.issuer.keySet())));
    expect(asked).toEqual([`${world.issuer.url}${discoveryPath}`, `${world.issuer.url}/keys`]);
  });

  it("drops a slash at the end of the issuer from the address, and from nothing else", async () => {
    const issuer = `${world.issuer.url}/`;
    describeAs({ issuer, jwks_uri: `${world.issuer.url}/keys` });
    expect(await load({ ...world.facts, issuer })).toMatchObject({ ok: true });
    expect(await load()).toEqual(err("issuer_mismatch"));
  });

  it.each([
    ["another host that proves its name by TLS", "https://keys.issuer.example/keys"],
    ["another port of it", "https://keys.issuer.example:8443/keys"],
  ])("may name %s", async (_, url) => {
    describeAs({ issuer: world.issuer.url, jwks_uri: url });
    expect(await load()).toEqual(err("not_sent"));
    expect(asked.at(-1)).toBe(url);
  });

  it.each([
    ["another plain host", "http://keys.issuer.example/keys"],
    ["another port of a plain host", "http://127.0.0.1:1/keys"],
    ["a metadata address", "http://169.254.169.254/keys"],
    ["an address by TLS", "https://10.0.0.1/keys"],
    ["an address in one number", "https://2130706433/keys"],
    ["an address in octal", "https://0177.0.0.1/keys"],
    ["an IPv6 address", "https://[fd00::1]/keys"],
    ["a mapped address", "https://[::ffff:127.0.0.1]/keys"],
    ["localhost", "https://localhost/keys"],
    ["localhost with a dot", "https://localhost./keys"],
    ["a name below localhost", "https://a.localhost/keys"],
    ["a name without a domain", "https://metadata/keys"],
    ["a file", "file:///etc/passwd"],
    ["nothing", ""],
    ["a path", "/keys"],
  ])("may not name %s", async (_, url) => {
    describeAs({ issuer: world.issuer.url, jwks_uri: url });
    expect(await load()).toEqual(err("keys_url_refused"));
    expect(asked).toHaveLength(1);
  });

  it.each<[string, (own: string) => unknown, string]>([
    ["of another issuer", (own) => ({ issuer: "https://other.example", jwks_uri: `${own}/keys` }), "issuer_mismatch"],
    ["of no issuer", (own) => ({ jwks_uri: `${own}/keys` }), "issuer_mismatch"],
    ["without keys", (own) => ({ issuer: own }), "discovery_malformed"],
    ["with keys as a list", (own) => ({ issuer: own, jwks_uri: [`${own}/keys`] }), "discovery_malformed"],
    ["that is a list", () => [], "discovery_malformed"],
  ])("a document %s leads nowhere", async (_, metadata, fault) => {
    describeAs(metadata(world.issuer.url));
    expect(await load()).toEqual(err(fault));
    expect(asked).toHaveLength(1);
  });
});

describe("key location: answers", () => {
  it.each<[string, RequestListener, string]>([
    [
      "an error, whatever its body",
      (_, response) => response.writeHead(404).end(JSON.stringify(world.issuer.keySet())),
      "status",
    ],
    [
      "a redirect",
      (_, response) => response.writeHead(302, { location: `${world.attacker.url}/keys` }).end(),
      "status",
    ],
    ["no content", (_, response) => response.writeHead(204).end(), "status"],
    ["a cut connection", (request) => request.socket.destroy(), "reset"],
  ])("%s is no key set", async (_, listener, fault) => {
    world.issuer.misbehave(listener);
    expect(await load({ ...world.facts, keys: { kind: "url", url: `${world.issuer.url}/keys` } })).toEqual(err(fault));
    expect(world.attacker.requests).toEqual([]);
  });

  it("come from a pinned URL without discovery", async () => {
    const url = `${world.issuer.url}/keys`;
    expect(await load({ ...world.facts, keys: { kind: "url", url } })).toMatchObject({ ok: true });
    expect(asked).toEqual([url]);
  });

  it("come only from addresses that the client takes", async () => {
    const careful = createNodeHttpClient({ allowInsecureLoopback: false, maxConnectionsPerOrigin: 1 });
    const answer = await loadKeySetText(world.facts, { http: careful, loadText: async () => err("file") });
    expect(answer).toEqual(err("refused_url"));
    expect(world.issuer.requests).toEqual([]);
  });
});
