/**
 * `npm run worker:dev`: the broker in the Workers runtime of this machine, with a policy of your own, or with the servers
 * and the policy of the quickstart.
 */
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { untilReady, type HostedBroker } from "../quickstart/broker-host.ts";
import { untilSignal } from "../quickstart/until-signal.ts";
import { whatNow } from "../quickstart/what-now.ts";
import { workersHost } from "../quickstart/workers-host.ts";
import { startWorld } from "../quickstart/world.ts";
import { devAddresses, startDevBroker } from "./start-dev-broker.ts";

const root = join(import.meta.dirname, "../..");
const defaultPort = 8787;

const help = `Usage: npm run worker:dev [-- OPTIONS]

Runs the broker in the Workers runtime (workerd) on this machine, offline, its ledger in Durable Objects.

Options:
  --policy DIR    the policy. Its issuers name http://localhost:PORT as the audience, and secrets as { env: NAME }.
                  Changes are taken up as they are saved. Without one, the servers, the policy and the identities of
                  \`npm run quickstart\` are there to try it with, and go when it ends.
  --secrets FILE  what NAMEs are, a line each: NAME=value (.dev.vars, where there is one)
  --port PORT     on loopback (${defaultPort}); operators' requests go to http://127.0.0.1:PORT
  --data DIR      where the ledger and the key rings of a --policy are kept, for the next run (.worker/dev)
  --help          this text
`;

interface Flags {
  readonly policy: string | undefined;
  readonly secrets: string | undefined;
  readonly port: number;
  readonly data: string;
}

async function main(): Promise<number> {
  const stopped = untilSignal();
  const flags = parseFlags();
  if (typeof flags === "number") return flags;
  await refusePort(flags.port);
  return flags.policy === undefined ? runWorld(flags, stopped) : runPolicy(flags, flags.policy, stopped);
}

async function runWorld({ port }: Flags, stopped: Promise<void>): Promise<number> {
  const world = await startWorld(workersHost({ port, isShown: true }));
  try {
    process.stdout.write(whatNow(world));
    return await untilEnd(stopped, world.brokerExited);
  } finally {
    await world.stop();
  }
}

async function runPolicy({ port, data, secrets }: Flags, policy: string, stopped: Promise<void>): Promise<number> {
  const secretFiles = secrets === undefined ? [] : [secrets];
  const broker = await startDevBroker({ dir: data, policy, port, secretFiles, isShown: true });
  try {
    const ready = await Promise.race([untilReady(devAddresses(port).brokerUrl, broker).then(() => true), stopped]);
    if (ready === true) process.stdout.write(whereItIs({ port, policy, data }));
    return await untilEnd(stopped, broker.exited);
  } finally {
    await broker.end();
  }
}

/** By itself it does not end. */
const untilEnd = (stopped: Promise<void>, exited: HostedBroker["exited"]): Promise<number> =>
  Promise.race([stopped.then(() => 0), exited.then(() => 1)]);

function whereItIs({ port, policy, data }: { readonly port: number; readonly policy: string; readonly data: string }) {
  const { brokerUrl, adminUrl } = devAddresses(port);
  return `
The broker is at ${brokerUrl} (operators: ${adminUrl}), its policy in ${policy}.
Its ledger and its key rings stay in ${data} for the next run.

  export MAYFLY_URL=${brokerUrl} MAYFLY_ADMIN_URL=${adminUrl}

Ctrl-C stops it.
`;
}

function parseFlags(): Flags | number {
  const { values } = parseArgs({
    options: {
      policy: { type: "string" },
      secrets: { type: "string" },
      port: { type: "string", default: String(defaultPort) },
      data: { type: "string", default: join(root, ".worker/dev") },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const port = /^[0-9]{1,5}$/.test(values.port) ? Number(values.port) : 0;
  if (port < 1 || port > 65_535) throw new Error(`--port ${values.port} is no port`);
  return { port, data: resolve(values.data), policy: policyOf(values.policy), secrets: secretsOf(values.secrets) };
}

function policyOf(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  if (entries.some((name) => /\.ya?ml$/.test(name))) return resolve(folder);
  throw new Error(
    `--policy ${folder} holds no YAML: name the folder of a policy (scripts/policy is an example), ` +
      "or leave it out to have one made",
  );
}

function secretsOf(file: string | undefined): string | undefined {
  if (file === undefined) return existsSync(join(root, ".dev.vars")) ? join(root, ".dev.vars") : undefined;
  if (existsSync(file)) return resolve(file);
  throw new Error(`--secrets ${file} does not exist`);
}

/** Told here, because the runtime would say it in the middle of its start. */
async function refusePort(port: number): Promise<void> {
  const probe = createServer();
  const { promise, resolve: taken, reject } = Promise.withResolvers<void>();
  probe.once("error", () => reject(new Error(`port ${port} is in use; choose another one with --port`)));
  probe.listen(port, "127.0.0.1", taken);
  await promise;
  await new Promise((closed) => probe.close(closed));
}

// Not left to end by itself: while a process winds down it no longer answers signals, and a late one would tell its end.
process.exit(
  await main().catch((fault: unknown) => {
    process.stderr.write(`worker:dev: ${fault instanceof Error ? fault.message : "failed"} (--help tells more)\n`);
    return 1;
  }),
);
