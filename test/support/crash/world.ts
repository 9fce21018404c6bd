/**
 * What stays up while brokers die: a real OAuth server that remembers each token that it gave out, an issuer of
 * attestations, and an API that asks the broker about the broker's own tokens.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env as ownEnv } from "node:process";
import { judgeByIntrospection, startOAuthServer, startProtectedApi, type ProtectedApi } from "../oauth-server.ts";
import { startIssuer } from "../issuer-server.ts";
import { isOnSqlite } from "../ledger-kind.ts";
import { realClock } from "../real-clock.ts";
import { appendAlways, startRedis, type RedisServer } from "../redis-server.ts";
import { startBrokerProcess, type BrokerProcess, type StartWish } from "./broker-process.ts";
import { createClient, type Client } from "./client.ts";
import { redisStore } from "./redis-store-check.ts";
import { sqliteStore, type StoreCheck } from "./store-check.ts";
import { crashPolicy, ledgerAudience, reportAudience } from "./policy.ts";

export const brokerIssuer = "https://broker.example";
const secret = "the-client-secret-of-this-run-only";
/** Of the OAuth server's tokens: longer than any run, so that none dies by itself before it is looked at. */
export const tokenSeconds = 900;

export interface World {
  /** Every token that the OAuth server ever gave out, in order. */
  readonly issued: readonly string[];
  /** What the OAuth server says of a token (RFC 7662): when it ends, or null where it is dead. */
  aliveUntil(token: string): Promise<number | null>;
  /** Whether the report API accepts a token of the broker's own; it asks the broker named last by `point`. */
  acceptsOwn(token: string): Promise<boolean>;
  /** The people around this broker. */
  meet(broker: BrokerProcess): Client;
  /** A folder of its own for a broker's files, and with it a ledger of its own. */
  newData(): Promise<string>;
  storeOf(data: string): StoreCheck;
  /** How a broker that nobody watches is started: on SQLite as users do. */
  readonly program: StartWish["program"];
  start(data: string, wish: Pick<StartWish, "program" | "shiftMillis" | "env">): Promise<BrokerProcess>;
  close(): Promise<void>;
}

/** Told by the OAuth server while it acts: before its answer is on the way. */
export interface Watcher {
  readonly onToken?: () => void;
  readonly onRevoked?: () => void;
}

export async function startWorld(watcher: Watcher = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "mayfly-crash-"));
  const issued: string[] = [];
  const oauth = await startOAuthServer({
    clients: [
      { id: "mayfly", method: "client_secret_basic", secret },
      { id: "auditor", method: "client_secret_basic", secret },
    ],
    resources: [{ url: ledgerAudience, scopes: ["ledger:read"], format: "opaque", ttlSeconds: tokenSeconds }],
    onToken(token) {
      issued.push(token);
      watcher.onToken?.();
    },
    onRevoked: () => watcher.onRevoked?.(),
  });
  const redis = isOnSqlite ? null : await startRedis(appendAlways);
  const issuer = await startIssuer();
  const attest = (subject: string): string =>
    issuer.attest({ subject, audience: brokerIssuer, now: realClock.now(), lifetimeSeconds: 3600 });
  let asked: BrokerProcess | undefined;
  const api = await startReportApi(() => asked?.publicUrl ?? "", attest);
  const policyDir = join(folder, "policy");
  await mkdir(policyDir);
  await writeFile(join(policyDir, "policy.yaml"), crashPolicy({ issuer: issuer.url, oauth, tokenSeconds }));
  const env = {
    MAYFLY_POLICY: policyDir,
    MAYFLY_LISTEN: "127.0.0.1:0",
    MAYFLY_ADMIN_LISTEN: "127.0.0.1:0",
    MAYFLY_ISSUER: brokerIssuer,
    MAYFLY_DEVELOPMENT: "1",
    MAYFLY_LOG_LEVEL: "info",
    OAUTH_SECRET: secret,
    NODE_COMPILE_CACHE: ownEnv["NODE_COMPILE_CACHE"] ?? join(tmpdir(), "mayfly-crash-compiled"),
  };
  const auditor = `Basic ${btoa(`auditor:${secret}`)}`;
  const running = new Set<BrokerProcess>();
  return {
    issued,
    meet: (broker) => createClient(broker, attest),
    async aliveUntil(token) {
      const body = new URLSearchParams({ token });
      const answer = await fetch(oauth.introspectionEndpoint, {
        method: "POST",
        headers: { authorization: auditor },
        body,
      });
      const { active, exp } = (await answer.json()) as { active: boolean; exp?: number };
      return active ? (exp ?? Number.POSITIVE_INFINITY) * 1000 : null;
    },
    acceptsOwn: async (token) => (await api.use(token)) === 200,
    newData: () => mkdtemp(join(folder, "data-")),
    storeOf: (data) => (redis === null ? sqliteStore(data) : redisStore(redis.port, prefixOf(data))),
    program: redis === null ? "serve" : "watched",
    async start(data, wish) {
      const broker = await startBrokerProcess({
        ...wish,
        env: { ...env, ...ledgerOf(redis, data), MAYFLY_DATA: data, ...wish.env },
      });
      running.add(broker);
      asked = broker;
      return broker;
    },
    async close() {
      await Promise.all([...running].map((broker) => broker.kill()));
      await Promise.all([oauth.close(), issuer.close(), api.close(), redis?.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One server, and a prefix of its own for each folder. */
const prefixOf = (data: string): string => `p${createHash("sha256").update(data).digest("hex").slice(0, 12)}`;
const ledgerOf = (redis: RedisServer | null, data: string): Readonly<Record<string, string>> =>
  redis === null ? {} : { MAYFLY_LEDGER: `redis://127.0.0.1:${redis.port}?prefix=${prefixOf(data)}` };

/** 503 of the API, when the broker is away, is no word about the token: it fails the run. */
async function startReportApi(
  brokerUrl: () => string,
  attest: (subject: string) => string,
): Promise<Pick<ProtectedApi, "use" | "close">> {
  const api = await startProtectedApi({
    scope: "report:read",
    judge: (token) =>
      judgeByIntrospection({
        endpoint: `${brokerUrl()}/introspect`,
        authorization: () => `Bearer ${attest("report-api")}`,
        audience: reportAudience,
      })(token),
  });
  return {
    close: () => api.close(),
    async use(token) {
      const status = await api.use(token);
      if (status === 503) throw new Error("the report API could not ask the broker");
      return status;
    },
  };
}
