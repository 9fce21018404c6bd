/**
 * One request to the broker: timed, size-capped, never redirected, so that the attestation goes nowhere else. Answers
 * the parsed JSON of a success, or a problem in words. Repeats nothing by itself.
 */
import type { Redacted } from "../kernel/redacted.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { answerProblem } from "./answer-problem.ts";
import { baseUrl, settingOf, type ConnectionFlags, type Listener } from "./connection.ts";
import { isFields, type Fields } from "./fields.ts";
import { failed, type Problem } from "./problem.ts";
import type { Shell } from "./shell.ts";
import { transportProblem } from "./transport-problem.ts";

/** A page of 200 leases or audit entries stays far below; anything larger is not the broker's. */
const maxAnswerBytes = 8 * 1024 * 1024;

export interface ApiRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly json?: unknown;
  /** Sent as a form, with the attestation as `subject_token` instead of in a header (RFC 8693). */
  readonly exchange?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long the broker was asked to hold the answer; added to the timeout. */
  readonly waitSeconds?: number;
  readonly effect: Effect;
  /** Asks for the answer line by line, and is told each as it comes; the last one is the answer. */
  readonly onLine?: (line: Fields) => void;
}

/** For a failure: what stayed as it was, and what may have happened if the answer was lost. */
export interface Effect {
  readonly unchanged: string | null;
  readonly maybe: string;
}

export const readsOnly: Effect = { unchanged: null, maybe: "nothing: this only reads" };

export type Api = (request: ApiRequest) => Promise<Result<Fields, Problem>>;

export interface ApiOptions {
  readonly flags: ConnectionFlags & { readonly timeout?: number };
  readonly listener: Listener;
  readonly attestation: Redacted;
}

export function connect(shell: Shell, options: ApiOptions): Result<Api, Problem> {
  const base = baseUrl(shell, options.flags, options.listener);
  if (!base.ok) return base;
  const timeoutSeconds = options.flags.timeout ?? 30;
  return ok(async (request) => {
    const signal = AbortSignal.timeout((timeoutSeconds + (request.waitSeconds ?? 0)) * 1000);
    try {
      const answer = await fetch(`${base.value}${request.path}${queryOf(request)}`, {
        method: request.method,
        redirect: "manual",
        signal,
        headers: headersOf(request, options.attestation),
        body: bodyOf(request, options.attestation) ?? null,
      });
      return await readAnswer(answer, request, base.value);
    } catch (error) {
      return err(
        transportProblem(error, {
          base: base.value,
          setting: settingOf(options.listener),
          effect: request.effect,
          timeoutSeconds,
        }),
      );
    }
  });
}

function queryOf(request: ApiRequest): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) query.set(name, value);
  return query.size === 0 ? "" : `?${query.toString()}`;
}

function headersOf(request: ApiRequest, attestation: Redacted): Record<string, string> {
  const lines = request.onLine === undefined ? "" : "application/x-ndjson, ";
  const accept = `${lines}application/json, application/problem+json`;
  const headers: Record<string, string> = { accept, ...request.headers };
  if ((request.waitSeconds ?? 0) > 0) headers["prefer"] = `wait=${request.waitSeconds}`;
  if (request.json !== undefined) headers["content-type"] = "application/json";
  if (request.exchange !== undefined) headers["content-type"] = "application/x-www-form-urlencoded";
  else headers["authorization"] = `Bearer ${attestation.reveal()}`;
  return headers;
}

function bodyOf(request: ApiRequest, attestation: Redacted): string | undefined {
  if (request.exchange === undefined) return request.json === undefined ? undefined : JSON.stringify(request.json);
  return new URLSearchParams({ ...request.exchange, subject_token: attestation.reveal() }).toString();
}

async function readAnswer(answer: Response, request: ApiRequest, base: string): Promise<Result<Fields, Problem>> {
  const { onLine } = request;
  const text = await (answer.ok && onLine !== undefined ? readLines(answer, onLine) : readText(answer));
  const body = text === undefined ? undefined : parseJson(text);
  if (answer.ok && answer.status === 204) return ok({});
  if (answer.ok && isFields(body)) return ok(body);
  if (answer.ok) {
    return failed({
      what: `${base} answered with something that is not Mayfly's`,
      unchanged: `cannot be told; ${request.effect.maybe}`,
      next: "check that the address is the broker's own, not a proxy's sign-in page",
    });
  }
  return err(answerProblem({ status: answer.status, body, headers: answer.headers, base, effect: request.effect }));
}

async function readText(answer: Response): Promise<string | undefined> {
  let text = "";
  const isWhole = await readCapped(answer, (piece) => (text += piece));
  return isWhole ? text : undefined;
}

/** Tells each line as it comes and answers the last one; what never sends a line end is one line. */
async function readLines(answer: Response, onLine: (line: Fields) => void): Promise<string | undefined> {
  let last = "";
  let unended = "";
  const isWhole = await readCapped(answer, (piece) => {
    const lines = `${unended}${piece}`.split("\n");
    unended = lines.pop() ?? "";
    for (const line of lines) {
      last = line;
      const told = parseJson(line);
      if (isFields(told)) onLine(told);
    }
  });
  if (!isWhole) return undefined;
  return unended === "" ? last : unended;
}

/** False where there is more than may be. */
async function readCapped(answer: Response, take: (piece: string) => void): Promise<boolean> {
  const decoder = new TextDecoder();
  let letters = 0;
  for await (const chunk of answer.body ?? []) {
    const piece = decoder.decode(chunk, { stream: true });
    letters += piece.length;
    if (letters > maxAnswerBytes) return false;
    take(piece);
  }
  take(decoder.decode());
  return true;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
