/** The real parts of the story on free loopback ports, and the broker as the process that a user would start. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveOnLoopback } from "../servers/loopback.ts";
import { startOAuthServer } from "../servers/oauth-server.ts";
import { startOidcIssuer, type OidcIssuer } from "../servers/oidc-issuer.ts";
import { judgeByIntrospection, startProtectedApi, type ProtectedApi } from "../servers/protected-api.ts";
import { openQuickstartLedger, type QuickstartLedger } from "./ledger.ts";

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
const startTimeoutMillis = 20_000;

/** `ledger` is what the user said of it. */
export async function startWorld(ledger: string | undefined): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), "mayfly-quickstart-"));
  const stops: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
  };
  try {
    const store = await openQuickstartLedger(ledger, process.env);
    stops.push(() => store.forget());
    const [brokerUrl, adminUrl] = [await freeAddress(), await freeAddress()];
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
    const broker = startBrokerProcess({ dir, brokerUrl, adminUrl, secret, store });
    stops.push(() => endProcess(broker));
    const brokerExited = new Promise<void>((resolve) => broker.once("exit", () => resolve()));
    await untilReady(brokerUrl, broker, join(dir, "broker.log"));
    await writeAttestations(join(dir, "attestations"), issuer);
    return { dir, brokerUrl, adminUrl, issuer, ledgerApi, reportApi, brokerExited, stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

async function freeAddress(): Promise<string> {
  const probe = await serveOnLoopback(() => {});
  await probe.close();
  return probe.url;
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

interface BrokerWish extends Pick<World, "dir" | "brokerUrl" | "adminUrl"> {
  readonly secret: string;
  readonly store: QuickstartLedger;
}

function startBrokerProcess(world: BrokerWish): ChildProcess {
  const cli = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const args = [
    cli,
    "serve",
    "--development",
    "--policy",
    join(world.dir, "policy"),
    "--data",
    join(world.dir, "data"),
  ];
  args.push("--listen", new URL(world.brokerUrl).host, "--admin-listen", new URL(world.adminUrl).host);
  args.push("--issuer", world.brokerUrl, ...world.store.args);
  const env = { ...process.env, ...world.store.env, LEDGER_CLIENT_SECRET: world.secret };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  child.stderr?.pipe(createWriteStream(join(world.dir, "broker.log")));
  return child;
}

async function untilReady(url: string, broker: ChildProcess, logFile: string): Promise<void> {
  const until = performance.now() + startTimeoutMillis;
  while (performance.now() < until && broker.exitCode === null && broker.signalCode === null) {
    const status = await fetch(`${url}/readyz`).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const log = await readFile(logFile, "utf8").catch(() => "");
  throw new Error(`the broker did not become ready:\n${log.trim().split("\n").slice(-8).join("\n")}`);
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await exited;
}

/** For the user's own curl: good for an hour. */
async function writeAttestations(dir: string, issuer: OidcIssuer): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const id of workloads) await writeFile(join(dir, id), await issuer.attest(id), { mode: 0o600 });
}
