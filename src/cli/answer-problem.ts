/**
 * The broker said no: RFC 6749 §5.2 errors and RFC 9457 problem details in three sentences. The first is the broker's
 * own; the next step is ours where the command line knows a better one. Unknown codes stay readable.
 */
import type { Effect } from "./api.ts";
import { exitCodes, type ExitCode } from "./exit-code.ts";
import { optionalText } from "./fields.ts";
import { nextSteps } from "./next-steps.ts";
import { problem, type Problem } from "./problem.ts";
import { printable } from "./terminal.ts";

interface Refusal {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
  readonly base: string;
  readonly effect: Effect;
}

export function answerProblem(refusal: Refusal): Problem {
  const { status, body, headers, base, effect } = refusal;
  const code = codeOf(body);
  if (code === null) {
    return problem({
      what: `${base} answered ${status} without Mayfly's words`,
      unchanged: status >= 500 ? `cannot be told; ${effect.maybe}` : effect.unchanged,
      next: "check that the address is the broker's, and the right listener: operators' commands have one of their own",
    });
  }
  const reason = optionalText(body, "reason");
  const text =
    optionalText(body, "error_description") ?? optionalText(body, "detail") ?? optionalText(body, "title") ?? code;
  const finer = optionalText(body, "gate") ?? optionalText(body, "limit");
  const tags = [reason ?? code, finer].filter((tag) => tag !== null && tag !== reason).concat(reason ?? []);
  const known = [finer, reason, code].flatMap((name) => (name === null ? [] : (nextSteps[name] ?? [])))[0];
  const retryAfter = headers.get("retry-after");
  return problem({
    exitCode: exitCodeOf(status, code, reason),
    what: printable(`${firstSentence(text)} (${[...new Set(tags)].join(", ")})`),
    unchanged: effect.unchanged,
    next: printable(
      `${known ?? adviceIn(text)}${retryAfter === null ? "" : `; the broker asks to wait ${retryAfter} s`}`,
    ),
    code: printable(reason ?? code),
    requestId: optionalText(body, "request_id"),
  });
}

/** `error`, or the last part of the problem's `type`. */
function codeOf(body: unknown): string | null {
  const type = optionalText(body, "type");
  return optionalText(body, "error") ?? (type === null ? null : (type.split(/[/:#]/).at(-1) ?? type));
}

/** The broker's texts say what happened, what is unchanged and, after a semicolon, what to do. */
const firstSentence = (text: string): string => text.split(". ")[0]?.replace(/\.$/, "") ?? text;
const adviceIn = (text: string): string =>
  text.split("; ").at(1)?.replace(/\.$/, "") ?? "correct the request; --help shows an example";

const over = new Set(["expired", "task_ended"]);
const withoutLedger = new Set(["store", "suspended"]);

function exitCodeOf(status: number, code: string, reason: string | null): ExitCode {
  const name = reason ?? code;
  if (over.has(name)) return exitCodes.expired;
  if (status === 503) return withoutLedger.has(name) ? exitCodes.auditUnavailable : exitCodes.providerDown;
  if (status >= 500 || name === "already_delivered") return exitCodes.error;
  const isOurMistake = [405, 413, 415].includes(status) || name === "key_reused";
  const isMalformed = (code === "invalid_request" && reason === null) || code === "malformed-request";
  return isOurMistake || isMalformed ? exitCodes.usage : exitCodes.denied;
}
