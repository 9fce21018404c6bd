/**
 * One request and its answer. Owns whether the request was begun on a socket (from then on it may have reached the
 * server) and its total time. Settles exactly once; the texts of errors never leave.
 */
import type { Dispatcher } from "undici";
import { err, ok, type Result } from "../kernel/result.ts";
import type { HttpAnswer, HttpFault, HttpRequest } from "../ports/http-client.ts";
import { createAnswerCollector } from "./answer-collector.ts";

type Limits = Pick<HttpRequest, "timeout" | "maxBytes" | "signal">;

export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  { timeout, maxBytes, signal }: Limits,
): Promise<Result<HttpAnswer, HttpFault>> {
  const { promise, resolve } = Promise.withResolvers<Result<HttpAnswer, HttpFault>>();
  const answer = createAnswerCollector(maxBytes);
  let controller: Dispatcher.DispatchController | undefined;
  let isSettled = false;

  const settle = (result: Result<HttpAnswer, HttpFault>): void => {
    isSettled = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    resolve(result);
  };
  const stop = (reason: HttpFault["reason"]): void => {
    if (isSettled) return;
    settle(err({ reason, maybeSent: controller !== undefined }));
    controller?.abort(new Error(reason));
  };
  const onAbort = (): void => stop("aborted");
  const timer = setTimeout(stop, timeout, "timeout");
  if (signal?.aborted === true) {
    stop("aborted");
    return promise;
  }
  signal?.addEventListener("abort", onAbort, { once: true });

  try {
    dispatcher.dispatch(options, {
      onRequestStart: (started) => {
        // Given up while it waited for a connection: not a byte of it is written.
        if (isSettled) started.abort(new Error("given up"));
        else controller = started;
      },
      onResponseStart: (_, status, headers) => {
        if (!answer.begin(status, headers)) stop("too_large");
      },
      onResponseData: (_, chunk) => {
        if (!answer.add(chunk)) stop("too_large");
      },
      onResponseEnd: () => {
        if (!isSettled) settle(ok(answer.finish()));
      },
      onResponseError: () => stop(controller === undefined ? "not_sent" : "reset"),
    });
  } catch {
    // The request itself is not well-formed HTTP, or the client is closed.
    stop("not_sent");
  }
  return promise;
}
