/** The real parts of the story on free loopback ports, and the broker as its host starts it. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startOAuthServer } from "../servers/oauth-server.ts";
import { startOidcIssuer, type OidcIssuer } from "../servers/oidc-issuer.ts";
import { judgeByIntrospection, startProtectedApi, type ProtectedApi } from "../servers/protected-api.ts";
import { untilReady, type BrokerHost } from "./broker-host.ts";

export interface World {
  readonly dir: string;
  readonly brokerUrl: string;
  readonly adminUrl: string;
  readonly issuer: OidcIssuer;
  /** Asks the OAuth server about each token. */
  readonly ledgerApi: ProtectedApi;
  /** Asks the broker about each token. */
  readonly reportApi: ProtectedApi;
  readonly brokerExited: Promise<void>;
  stop(): Promise<void>;
}

const workloads = ["planner", "invoice-bot", "report-api", "security-desk", "ledger-api"];
const ledgerAudience = "https://ledger.example";
const reportAudience = "https://reports.example";

export async function startWorld(host: BrokerHost): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), "mayfly-quickstart-"));
  const stops: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
  };
  try {
    const { brokerUrl, adminUrl } = await host.addresses();
    const secret = randomBytes(24).toString("base64url");
    const oauth = await startOAuthServer({
      clients: [
        { id: "mayfly", method: "client_secret_basic", secret },
        { id: "ledger-api", method: "client_secret_basic", secret },
      ],
      resources: [
        { url: ledgerAudience, scopes: ["ledger:read:emea", "ledger:read:apac"], format: "opaque", ttlSeconds: 600 },
      ],
    });
    stops.push(() => oauth.close());
    const issuer = await startOidcIssuer({
      audiences: [brokerUrl],
      workloads: workloads.map((id) => ({ id, secret: randomBytes(24).toString("base64url") })),
      lifetimeSeconds: 3600,
    });
    stops.push(() => issuer.close());
    const ledgerApi = await startProtectedApi({
      scope: "ledger:read:emea",
      judge: judgeByIntrospection({
        endpoint: oauth.introspectionEndpoint,
        authorization: () => `Basic ${btoa(`ledger-api:${secret}`)}`,
        audience: ledgerAudience,
      }),
    });
    stops.push(() => ledgerApi.close());
    const reportApi = await startProtectedApi({
      scope: "report:read",
      judge: judgeByIntrospection({
        endpoint: `${brokerUrl}/introspect`,
        authorization: async () => `Bearer ${await issuer.attest("report-api")}`,
        audience: reportAudience,
      }),
    });
    stops.push(() => reportApi.close());
    await writePolicy(join(dir, "policy"), { issuer: issuer.issuer, broker: brokerUrl, oauth: oauth.issuer });
    const broker = await host.start({ dir, brokerUrl, adminUrl, env: { LEDGER_CLIENT_SECRET: secret } });
    stops.push(() => broker.end());
    await untilReady(brokerUrl, broker);
    await writeAttestations(join(dir, "attestations"), issuer);
    return { dir, brokerUrl, adminUrl, issuer, ledgerApi, reportApi, brokerExited: broker.exited, stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

/** The example policy with the addresses of this run in the place of its own. */
async function writePolicy(dir: string, urls: { issuer: string; broker: string; oauth: string }): Promise<void> {
  const source = fileURLToPath(new URL("../policy/", import.meta.url));
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(source)) {
    const text = (await readFile(join(source, name), "utf8"))
      .replaceAll("http://localhost:3000", urls.broker)
      .replaceAll("http://localhost:4000", urls.issuer)
      .replaceAll("http://localhost:4001", urls.oauth);
    await writeFile(join(dir, name), text);
  }
}

/** For the user's own curl: good for an hour. */
async function writeAttestations(dir: string, issuer: OidcIssuer): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const id of workloads) await writeFile(join(dir, id), await issuer.attest(id), { mode: 0o600 });
}
