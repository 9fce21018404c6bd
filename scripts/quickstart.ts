/**
 * `npm run quickstart`: the whole story on real parts. Starts an OAuth server, an OIDC issuer, two protected APIs and
 * the broker on loopback, then plays a task from its opening to the proof that its credentials are dead.
 */
import { parseArgs } from "node:util";
import { playStory } from "./quickstart/story.ts";
import { createTimeline } from "./quickstart/timeline.ts";
import { startWorld } from "./quickstart/world.ts";

const help = `Usage: npm run quickstart [-- OPTIONS]

Plays the life of a task and its credentials on real servers on this machine, and leaves the broker running.

Options:
  --ledger URL   where the broker keeps its ledger: a file of its own unless told, or a Redis server that runs:
                   redis://127.0.0.1:6379, rediss://USER@HOST:6379?ca=FILE, redis://HOST:26379?sentinel=NAME
                 Without a prefix in the URL the keys get one of their own and go when the quickstart ends. A password
                 comes from MAYFLY_LEDGER_PASSWORD[_FILE], or with the whole URL from MAYFLY_LEDGER.
  --exit         stop everything at the end; exit code 0 only if every step was observed
  --json         print the timeline as one JSON document on stdout (words go to stderr)
  --help         this text
`;

async function main(): Promise<number> {
  const flags = parseFlags();
  if (typeof flags === "number") return flags;
  const timeline = createTimeline({ json: flags.json });
  const stopped = untilSignal();
  const world = await timeline.step("The servers and the broker start", () => startWorld(flags.ledger));
  if (world === undefined) return timeline.finish({});
  try {
    await playStory(world, timeline);
    const code = timeline.finish({ broker: world.brokerUrl, admin: world.adminUrl });
    if (flags.exit) return code;
    timeline.say(whatNow(world.brokerUrl, world.adminUrl, world.dir));
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
}

function parseFlags(): Flags | number {
  try {
    const { values } = parseArgs({
      options: {
        exit: { type: "boolean" },
        json: { type: "boolean" },
        ledger: { type: "string" },
        help: { type: "boolean" },
      },
    });
    const { exit = false, json = false, ledger } = values;
    if (values.help !== true) return { exit, json, ledger };
    process.stdout.write(help);
    return 0;
  } catch (fault) {
    process.stderr.write(`quickstart: ${fault instanceof Error ? fault.message : "bad option"}\n\n${help}`);
    return 2;
  }
}

/** Every signal is taken, also a second one: a process group and a forwarder may both send it while the clean-up runs. */
function untilSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  return promise;
}

const whatNow = (broker: string, admin: string, dir: string): string => `
The broker stays up at ${broker} (operators: ${admin}).
Its policy is in ${dir}/policy: edit it, and it is reloaded.
Fresh identities of the five workloads are in ${dir}/attestations, good for an hour.
In another terminal, for the commands of the README and of \`mayfly\`:

  export DIR=${dir} BROKER=${broker}
  export MAYFLY_URL=${broker} MAYFLY_ADMIN_URL=${admin}

Try:

  curl -s $BROKER/token \\
    -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \\
    -d subject_token_type=urn:ietf:params:oauth:token-type:jwt \\
    --data-urlencode subject_token@$DIR/attestations/invoice-bot \\
    -d scope=ledger-report
  npm run -s mayfly -- kill --scope agent:invoice-bot --attestation-file $DIR/attestations/security-desk

Ctrl-C stops everything.
`;

// Not left to end by itself: while a process winds down it no longer answers signals, and a late one would tell its end.
process.exit(await main());
