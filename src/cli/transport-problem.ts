/** No answer came: told apart by whether the request can have reached the broker. */
import type { Effect } from "./api.ts";
import { problem, type Problem } from "./problem.ts";

interface Attempt {
  readonly base: string;
  readonly setting: string;
  readonly effect: Effect;
  readonly timeoutSeconds: number;
}

/** Failures of finding the host, connecting or TLS: no byte of the request was sent. */
const beforeSending: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name could not be looked up",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  UND_ERR_CONNECT_TIMEOUT: "connecting took too long",
};

export function transportProblem(error: unknown, attempt: Attempt): Problem {
  const { base, setting, effect, timeoutSeconds } = attempt;
  const code = codeOf(error);
  const known = beforeSending[code] ?? tlsWords(code);
  if (known !== undefined) {
    return problem({
      what: `the broker at ${base} cannot be reached: ${known}`,
      unchanged: effect.unchanged,
      next: `check ${setting}, and that \`mayfly serve\` runs there`,
    });
  }
  const timedOut = error instanceof DOMException && error.name === "TimeoutError";
  return problem({
    what: timedOut
      ? `the broker at ${base} did not answer within ${timeoutSeconds} s`
      : `the connection to ${base} broke before the answer came`,
    unchanged: effect.unchanged === null ? null : `cannot be told; ${effect.maybe}`,
    next: timedOut ? "try again, or give more time with --timeout" : "try again; the command may be repeated",
  });
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "";
}

function tlsWords(code: string): string | undefined {
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code)) {
    return "its certificate is not trusted (NODE_EXTRA_CA_CERTS adds a private authority)";
  }
  return code.startsWith("ERR_SSL") || code === "EPROTO" ? "it does not speak TLS there" : undefined;
}
