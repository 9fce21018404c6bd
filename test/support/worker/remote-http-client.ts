/** An outbound client that lives in workerd, in the shape of one that lives here. */
import type { HttpRequest } from "../../../src/ports/http-client.ts";
import type { ClosableClient } from "../http-bench.ts";
import type { RuntimeCall } from "./runtime-worker.ts";

export async function askRuntime<T>(url: string, call: RuntimeCall): Promise<T> {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(call) });
  if (!answer.ok) throw new Error(`the Worker answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

let made = 0;

export function openRemoteClient(
  url: string,
  options: { readonly allowInsecureLoopback: boolean; readonly maxConnections: number },
): ClosableClient {
  const client = `client-${(made += 1)}`;
  const opened = askRuntime(url, { call: "open", client, ...options });
  return {
    async send(request) {
      await opened;
      const { signal } = request;
      if (signal?.aborted === true) return { ok: false, fault: { reason: "aborted", maybeSent: false } };
      const abort = signal === undefined ? null : `abort-${(made += 1)}`;
      const onAbort = (): void => void (abort !== null && askRuntime(url, { call: "abort", abort }));
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        return await askRuntime(url, { call: "send", client, request: sentRequest(request), abort });
      } finally {
        signal?.removeEventListener("abort", onAbort);
      }
    },
    close: () => askRuntime(url, { call: "close", client }),
  };
}

function sentRequest({ method, url, headers, secretHeaders = {}, body, timeout, maxBytes }: HttpRequest) {
  return {
    method,
    url,
    headers,
    timeout,
    maxBytes,
    secretHeaders: Object.fromEntries(Object.entries(secretHeaders).map(([name, secret]) => [name, secret.reveal()])),
    body: typeof body === "object" ? body.reveal() : (body ?? null),
  };
}
