/**
 * `npm run quickstart`: the whole story on real parts. Starts an OAuth server, an OIDC issuer, two protected APIs and
 * the broker on loopback, then plays a task from its opening to the proof that its credentials are dead.
 */
import { parseArgs } from "node:util";
import type { BrokerHost } from "./quickstart/broker-host.ts";
import { nodeHost } from "./quickstart/node-host.ts";
import { playStory } from "./quickstart/story.ts";
import { createTimeline } from "./quickstart/timeline.ts";
import { untilSignal } from "./quickstart/until-signal.ts";
import { whatNow } from "./quickstart/what-now.ts";
import { workersHost } from "./quickstart/workers-host.ts";
import { startWorld } from "./quickstart/world.ts";

const help = `Usage: npm run quickstart [-- OPTIONS]

Plays the life of a task and its credentials on real servers on this machine, and leaves the broker running.

Options:
  --ledger URL   where the broker keeps its ledger: a file of its own unless told, or a Redis server that runs:
                   redis://127.0.0.1:6379, rediss://USER@HOST:6379?ca=FILE, redis://HOST:26379?sentinel=NAME
                 Without a prefix in the URL the keys get one of their own and go when the quickstart ends. A password
                 comes from MAYFLY_LEDGER_PASSWORD[_FILE], or with the whole URL from MAYFLY_LEDGER.
  --workers      the broker runs in the Workers runtime instead, its ledger in Durable Objects
  --exit         stop everything at the end; exit code 0 only if every step was observed
  --json         print the timeline as one JSON document on stdout (words go to stderr)
  --help         this text
`;

async function main(): Promise<number> {
  const flags = parseFlags();
  if (typeof flags === "number") return flags;
  const timeline = createTimeline({ json: flags.json });
  const stopped = untilSignal();
  const world = await timeline.step("The servers and the broker start", () => startWorld(hostOf(flags)));
  if (world === undefined) return timeline.finish({});
  try {
    await playStory(world, timeline);
    const code = timeline.finish({ broker: world.brokerUrl, admin: world.adminUrl });
    if (flags.exit) return code;
    timeline.say(whatNow(world));
    await Promise.race([stopped, world.brokerExited]);
    return code;
  } finally {
    await world.stop();
  }
}

interface Flags {
  readonly exit: boolean;
  readonly json: boolean;
  readonly ledger: string | undefined;
  readonly workers: boolean;
}

const hostOf = ({ ledger, workers }: Flags): BrokerHost => (workers ? workersHost() : nodeHost(ledger));

function parseFlags(): Flags | number {
  try {
    const { values } = parseArgs({
      options: {
        exit: { type: "boolean" },
        json: { type: "boolean" },
        ledger: { type: "string" },
        workers: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    const { exit = false, json = false, workers = false, ledger } = values;
    if (workers && ledger !== undefined) throw new Error("--workers keeps its ledger in Durable Objects: no --ledger");
    if (values.help !== true) return { exit, json, workers, ledger };
    process.stdout.write(help);
    return 0;
  } catch (fault) {
    process.stderr.write(`quickstart: ${fault instanceof Error ? fault.message : "bad option"}\n\n${help}`);
    return 2;
  }
}

// Not left to end by itself: while a process winds down it no longer answers signals, and a late one would tell its end.
process.exit(await main());
