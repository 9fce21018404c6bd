/** A Worker's object on a Redis that speaks TLS only and knows no default user: who may be trusted is the runtime's rule. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort } from "../../scripts/servers/child-server.ts";
import { makeCertificates, type Certificates } from "../support/certificates.ts";
import { policyResources, yamlOf } from "../support/flow/policy.ts";
import { startServers, type Servers } from "../support/flow/servers.ts";
import { startWorkerBroker } from "../support/flow/worker-broker.ts";
import { appendAlways, makeFolder, startRedis, type RedisServer } from "../support/redis-server.ts";

const password = "s3cret-c4nary";
let servers: Servers;
let certificates: Certificates;
let redis: RedisServer;
beforeAll(async () => {
  servers = await startServers();
  const [folder, port] = [makeFolder(), await freePort()];
  certificates = makeCertificates(folder);
  const tls = ["--port", "0", "--tls-port", String(port), "--tls-auth-clients", "no"];
  const files = ["--tls-cert-file", certificates.cert, "--tls-key-file", certificates.key];
  const users = ["--user", "default", "off", "--user", "mayfly", "on", `>${password}`];
  const rights = ["~mayfly{*}:*", "&mayfly:due", "+@all", "-@dangerous", "+info", "+config|get"];
  redis = await startRedis(
    [...appendAlways, ...tls, ...files, "--tls-ca-cert-file", certificates.ca, ...users, ...rights],
    { folder, port },
  );
});
afterAll(() => Promise.all([servers.close(), redis.stop()]));

async function readinessWith(secret: string, isTrusted: boolean): Promise<{ status: number; log: string }> {
  const worker = await startWorkerBroker({
    policy: yamlOf(policyResources(servers.places)),
    worker: "gateways",
    env: {
      ...servers.secrets,
      MAYFLY_LEDGER: `rediss://mayfly@127.0.0.1:${redis.port}`,
      MAYFLY_LEDGER_PASSWORD: secret,
    },
    ...(isTrusted && { trusted: readFileSync(certificates.ca, "utf8") }),
  });
  try {
    const { status } = await fetch(`${worker.publicUrl}/readyz`);
    return { status, log: worker.text() };
  } finally {
    await worker.close();
  }
}

it.each<[string, string, boolean, number, string]>([
  ["an authority that it trusts, and the password", password, true, 200, "ledger_opened"],
  ["another password", `${password}-not`, true, 503, "refuses the user or the password"],
  ["an authority that it does not know", password, false, 503, "broker_not_composed"],
])(
  "%s: as it should be",
  async (_, secret, isTrusted, expected, told) => {
    const { status, log } = await readinessWith(secret, isTrusted);
    expect(status).toBe(expected);
    expect(log).toContain(told);
    expect(log).not.toContain(password);
  },
  60_000,
);
