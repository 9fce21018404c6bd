/**
 * `mayfly serve`: composes, listens, and stops in order. On SIGTERM or SIGINT no request is accepted any more, mints
 * under way are recorded, kills under way finish within a grace, the rest is given back, and the ledger is closed; a
 * second signal ends at once.
 */
import { createAdaptorServer } from "@hono/node-server";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Broker } from "../broker/broker.ts";
import type { InFlight } from "../broker/in-flight.ts";
import { createAdminApp } from "../http/admin-app.ts";
import { createPublicApp, createWorkerApp } from "../http/public-app.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { Log } from "../ports/log.ts";
import { compose, type Composed } from "./compose.ts";
import type { Address, ConfigFault, Environment, ServeOptions } from "./config.ts";
import { crashExitCode, endOnSurprise } from "./crash-only.ts";
import { closeServer, drain, stopGraceMillis } from "./drain.ts";
import { createSystemEntropy, systemClock } from "./system-clock.ts";
import { createNodeLog } from "./node-log.ts";

export interface Running extends Composed {
  readonly publicUrl: string;
  readonly adminUrl: string;
  stop(): Promise<void>;
}

export function startBroker(options: ServeOptions, env: Environment): Promise<Result<Running, ConfigFault>> {
  const log = createNodeLog(options.logLevel);
  const machine = { env, clock: systemClock, entropy: createSystemEntropy(), log, onFatal };
  return listenAndServe(options, log, (withIssuer) => compose(withIssuer, machine));
}

type ComposeFor = (options: ServeOptions & { readonly issuerUrl: string }) => Promise<Result<Composed, ConfigFault>>;

/** The addresses are bound first: without `--issuer` the composition needs to know them. */
export async function listenAndServe(
  options: ServeOptions,
  log: Log,
  composeFor: ComposeFor,
): Promise<Result<Running, ConfigFault>> {
  const apps: { public: Fetch | null; admin: Fetch | null } = { public: null, admin: null };
  const publicServer = await listen(options.listen, "--listen", (request, bindings) =>
    serveWith(apps.public, request, bindings),
  );
  if (!publicServer.ok) return publicServer;
  const adminServer = await listen(options.adminListen, "--admin-listen", (request, bindings) =>
    serveWith(apps.admin, request, bindings),
  );
  if (!adminServer.ok) {
    await closeServer(publicServer.value.server, Promise.resolve());
    return adminServer;
  }
  const servers = [publicServer.value.server, adminServer.value.server];
  const issuerUrl = options.issuerUrl ?? publicServer.value.url;
  const composed = await composeFor({ ...options, issuerUrl });
  if (!composed.ok) {
    await Promise.all(servers.map((server) => closeServer(server, Promise.resolve())));
    return composed;
  }
  const { pool, housekeeper, drift, policy, metrics, inFlight } = composed.value;
  const broker = tracked(composed.value.broker, inFlight);
  const publicApp = options.role === "worker" ? createWorkerApp : createPublicApp;
  apps.public = publicApp({ broker, log, metrics }).fetch;
  apps.admin = createAdminApp({ broker, log, metrics, renderMetrics: () => composed.value.renderMetrics() }).fetch;
  const unwatch = policy.watch();
  pool.start();
  housekeeper.start();
  if (options.role !== "api") drift.start();
  log.info("started", {
    issuer: issuerUrl,
    listen: publicServer.value.url,
    admin: adminServer.value.url,
    mode: options.mode,
    role: options.role,
  });
  return ok({
    ...composed.value,
    broker,
    publicUrl: publicServer.value.url,
    adminUrl: adminServer.value.url,
    async stop() {
      unwatch();
      housekeeper.stop();
      drift.stop();
      await drain({ servers, inFlight, clock: systemClock, stopTimeout: options.stopTimeout, say });
      await pool.stop(stopGraceMillis);
      await composed.value.close();
      log.info("stopped");
    },
  });
}

/** What may make a credential, or gives one up, is recorded before the ledger is closed. */
const tracked = (broker: Broker, inFlight: InFlight): Broker => ({
  ...broker,
  issue: (request) => inFlight.track(broker.issue(request)),
  undelivered: (leaseId, requestId) => inFlight.track(broker.undelivered(leaseId, requestId)),
});

const say = (line: string): void => void process.stderr.write(`mayfly: ${line}\n`);

/** A commit that failed leaves memory and disk in doubt: the process ends and the next start repairs. */
function onFatal(reason: string): void {
  say(`the ledger failed (${reason}); stopping, the next start repairs`);
  process.exit(crashExitCode);
}

type Fetch = (request: Request, bindings?: unknown) => Response | Promise<Response>;

function serveWith(app: Fetch | null, request: Request, bindings: unknown): Response | Promise<Response> {
  if (app !== null) return app(request, bindings);
  return new Response(null, { status: 503, headers: { "Retry-After": "1", "Cache-Control": "no-store" } });
}

async function listen(
  address: Address,
  setting: string,
  fetch: Fetch,
): Promise<Result<{ server: Server; url: string }, ConfigFault>> {
  const server = createAdaptorServer({ fetch }) as Server;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(address.port, address.host, resolve);
    });
  } catch (fault) {
    const code = fault instanceof Error && "code" in fault ? String(fault.code) : "unknown";
    const message = `cannot listen on ${address.host}:${address.port} (${code})`;
    return err({ setting, message, fix: "choose another address, or stop what listens there" });
  }
  const { address: host, port, family } = server.address() as AddressInfo;
  return ok({ server, url: `http://${family === "IPv6" ? `[${host}]` : host}:${port}` });
}

/** Runs until a signal; the answer is the exit code. */
export async function serve(options: ServeOptions, env: Environment): Promise<number> {
  endOnSurprise(createNodeLog(options.logLevel));
  const started = await startBroker(options, env);
  if (!started.ok) {
    const { setting, message, fix } = started.fault;
    process.stderr.write(`mayfly: ${setting} ${message}\n  ${fix}\n  Nothing was started.\n`);
    return 1;
  }
  const { promise: signalled, resolve } = Promise.withResolvers<void>();
  const onSignal = (): void => {
    process.once("SIGTERM", () => process.exit(130)).once("SIGINT", () => process.exit(130));
    resolve();
  };
  process.once("SIGTERM", onSignal).once("SIGINT", onSignal);
  process.on("SIGHUP", () => void started.value.policy.reload());
  await signalled;
  await started.value.stop();
  return 0;
}
