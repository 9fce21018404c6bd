/** The flags that many commands share, told and spelled in one way. */
import { type Command, Option } from "commander";
import { positiveSeconds } from "./values.ts";

export interface OutputFlags {
  readonly json?: boolean;
}

export interface ClientFlags extends OutputFlags {
  readonly url?: string;
  readonly adminUrl?: string;
  readonly attestationFile?: string;
  /** Known only to be refused in words. */
  readonly attestation?: string;
  readonly timeout?: number;
  readonly allowPlainHttp?: boolean;
  /** False with --no-input. */
  readonly input?: boolean;
}

const group = "Connection:";

export const withJson = (command: Command): Command => command.option("--json", "one JSON document on stdout");

/** For commands that talk to the broker as an agent, an orchestrator or an operator. */
export function withClient(command: Command): Command {
  return withConnection(
    command.addOption(
      new Option("--url <url>", "the broker (or MAYFLY_URL; http://127.0.0.1:8080 without)").helpGroup(group),
    ),
  );
}

/** For operators' commands, on the admin listener. */
export function withAdmin(command: Command, instead: { readonly timeout?: Option } = {}): Command {
  return withConnection(
    command.addOption(
      new Option(
        "--admin-url <url>",
        "its admin listener (or MAYFLY_ADMIN_URL; http://127.0.0.1:8081 without)",
      ).helpGroup(group),
    ),
    instead.timeout,
  );
}

function withConnection(command: Command, timeout: Option = requestTimeout()): Command {
  const flags = [
    new Option(
      "--attestation-file <file>",
      "who you are; - reads stdin (or MAYFLY_ATTESTATION_FILE, or the token itself in MAYFLY_ATTESTATION)",
    ),
    timeout,
    new Option("--allow-plain-http", "send the attestation without TLS (or MAYFLY_ALLOW_PLAIN_HTTP=1)"),
  ];
  for (const flag of flags) command.addOption(flag.helpGroup(group));
  command.addOption(new Option("--attestation <token>").hideHelp());
  return withJson(command.option("--no-input", "never ask a question"));
}

const requestTimeout = (): Option =>
  new Option("--timeout <span>", "how long to wait for an answer, as in 10s (default 30s)").argParser(positiveSeconds);

export function withExamples(command: Command, ...examples: readonly string[]): Command {
  const heading = examples.length === 1 ? "Example:" : "Examples:";
  return command.addHelpText("after", `\n${heading}\n${examples.map((line) => `  $ ${line}`).join("\n")}`);
}
