/** Puts an HTTP answer together as it arrives, never holding more of its body than was asked for. */
import type { Dispatcher } from "undici";
import type { HttpAnswer } from "../ports/http-client.ts";

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];

export interface AnswerCollector {
  /** False where the announced length is too large. */
  begin(status: number, headers: Headers): boolean;
  /** False where the body has become too large. */
  add(chunk: Buffer): boolean;
  finish(): HttpAnswer;
}

export function createAnswerCollector(maxBytes: number): AnswerCollector {
  let status = 0;
  let headers: HttpAnswer["headers"] = {};
  let receivedBytes = 0;
  const chunks: Buffer[] = [];
  return {
    begin: (newStatus, newHeaders) => {
      // An interim 1xx answer (RFC 9110 §15.2) is overwritten by the one that it announces.
      status = newStatus;
      headers = firstValues(newHeaders);
      return Number(headers["content-length"] ?? 0) <= maxBytes;
    },
    add: (chunk) => {
      receivedBytes += chunk.length;
      if (receivedBytes > maxBytes) return false;
      chunks.push(chunk);
      return true;
    },
    finish: () => ({ status, headers, body: Buffer.concat(chunks).toString("utf8") }),
  };
}

function firstValues(headers: Headers): HttpAnswer["headers"] {
  const first: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value[0] : value;
    if (text !== undefined) first[name.toLowerCase()] = text;
  }
  return first;
}
