/** `mayfly serve`: hands flags and environment to the composition, which runs the broker until a signal stops it. */
import { Option, type Command } from "commander";
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { withExamples } from "../flags.ts";
import { problem, type Outcome, type Problem } from "../problem.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";

/** As `parseServeOptions` takes them. */
export interface ServeFlags {
  readonly policy?: string;
  readonly ledger?: string;
  readonly acceptLoss?: string;
  readonly listen?: string;
  readonly adminListen?: string;
  readonly issuer?: string;
  readonly data?: string;
  readonly development?: boolean;
  readonly logLevel?: string;
  readonly stopTimeout?: string;
  readonly role?: string;
}

/** Also the flags of `doctor`, so that it examines exactly what `serve` would start. */
export function withServeFlags(command: Command): Command {
  const group = "Broker (each also as MAYFLY_...; a flag wins):";
  const flags = [
    new Option("--policy <dir>", "the folder of policy files (MAYFLY_POLICY)"),
    new Option(
      "--ledger <ledger>",
      "sqlite:FILE, redis://HOST or rediss://USER@HOST; without it a file in the data folder (MAYFLY_LEDGER)",
    ),
    new Option(
      "--accept-loss <seconds>",
      "start on a Redis server that may lose this much of what was answered, or `all` (MAYFLY_ACCEPT_LOSS)",
    ),
    new Option("--listen <host:port>", "for agents and orchestrators; 127.0.0.1:8080 without (MAYFLY_LISTEN)"),
    new Option("--admin-listen <host:port>", "for operators; 127.0.0.1:8081 without (MAYFLY_ADMIN_LISTEN)"),
    new Option("--issuer <url>", "the https URL under which agents reach this broker (MAYFLY_ISSUER)"),
    new Option("--data <dir>", "the data folder; ./mayfly-data without (MAYFLY_DATA)"),
    new Option("--development", "make missing keys, allow plain http on loopback (MAYFLY_DEVELOPMENT=1)"),
    new Option("--log-level <level>", "debug, info, warn, error or silent (MAYFLY_LOG_LEVEL)"),
    new Option("--role <role>", "api answers requests, worker kills, all does both; many on one Redis (MAYFLY_ROLE)"),
    new Option("--stop-timeout <span>", "how long a stop waits for a mint; 20s without (MAYFLY_STOP_TIMEOUT)"),
  ];
  for (const flag of flags) command.addOption(flag.helpGroup(group));
  return command;
}

export function addServeCommand(program: Command, run: Run): void {
  const command = program
    .command("serve")
    .description("run the broker until SIGTERM or SIGINT; SIGHUP reloads the policy");
  withExamples(
    withServeFlags(command),
    "mayfly serve --policy ./policy --development",
    "mayfly serve --policy /etc/mayfly/policy --ledger sqlite:/var/lib/mayfly/ledger.db \\\n      --listen 0.0.0.0:8080 --issuer https://broker.example",
    "mayfly serve --policy /etc/mayfly/policy --ledger 'rediss://mayfly@redis.example:6379?ca=/etc/mayfly/ca.pem' \\\n      --issuer https://broker.example",
  );
  command.addHelpText(
    "after",
    "\nKey rings come from MAYFLY_SEALING_KEYS and MAYFLY_SIGNING_KEYS, or the files that MAYFLY_SEALING_KEYS_FILE and\nMAYFLY_SIGNING_KEYS_FILE name; `mayfly keys generate` makes a first pair.\nThe password of a Redis ledger comes from MAYFLY_LEDGER_PASSWORD, MAYFLY_LEDGER_PASSWORD_FILE or ?password_file= in its\nURL; ?sentinel=NAME, ?prefix=NAME, ?shards=NUMBER and ?ca=FILE say the rest.",
  );
  command.action(run(serveBroker));
}

async function serveBroker(shell: Shell, flags: ServeFlags): Promise<Outcome> {
  const { parseServeOptions } = await import("../../entry/config.ts");
  const options = parseServeOptions(flags, shell.env);
  if (!options.ok) return { ok: false, fault: settingsProblem(options.fault) };
  const { serve } = await import("../../entry/serve.ts");
  return ok((await serve(options.value, shell.env)) === 0 ? exitCodes.ok : exitCodes.error);
}

/** All wrong settings at once. */
export function settingsProblem(faults: readonly { setting: string; message: string; fix: string }[]): Problem {
  return problem({
    exitCode: exitCodes.usage,
    what: faults.map(({ setting, message }) => `${setting} ${message}`).join("\n  and "),
    unchanged: "nothing was started",
    next: [...new Set(faults.map(({ fix }) => fix))].join("\n        "),
  });
}
