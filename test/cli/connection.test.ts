/** Brokers that are not there, not a broker, or not well. The attestation goes to the named address and nowhere else. */
import { createServer, type RequestListener } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { listenOnLoopback, type LoopbackServer } from "../support/loopback-server.ts";
import { runBinary, runCli, type Ran } from "./run-cli.ts";

const running: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function serve(listener: RequestListener): Promise<string> {
  const server = await listenOnLoopback(createServer(listener));
  running.push(server);
  return server.url;
}

const open = ["task", "open", "--agent", "bot", "--template", "api-read", "--deadline", "1m", "--url"];
const run = (url: string, ...more: string[]): Promise<Ran> =>
  runCli([...open, url, ...more], { env: { MAYFLY_ATTESTATION: "attestation-canary" } });

const problem =
  (status: number, body: object, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { "content-type": "application/problem+json", ...headers });
    response.end(JSON.stringify({ type: "https://mayfly.dev/problems/x", title: "T", request_id: "req_1", ...body }));
  };

interface Row {
  readonly name: string;
  readonly listener: RequestListener;
  readonly code: number;
  readonly says: RegExp;
}

const rows: readonly Row[] = [
  {
    name: "a page instead of an answer",
    listener: (_request, response) => void response.end("<html>sign in</html>"),
    code: 1,
    says: /not Mayfly's[^]*cannot be told; a task may be open[^]*sign-in page/,
  },
  {
    name: "a proxy's error page",
    listener: (_request, response) => void response.writeHead(502).end("<html>bad gateway</html>"),
    code: 1,
    says: /answered 502[^]*cannot be told/,
  },
  {
    name: "a connection that breaks",
    listener: (request) => void request.socket.destroy(),
    code: 1,
    says: /broke before the answer came[^]*a task may be open/,
  },
  {
    name: "an answer without end",
    listener: (_request, response) => {
      const write = (): void => {
        while (response.writable && response.write("x".repeat(65_536)));
      };
      response.on("drain", write);
      write();
    },
    code: 1,
    says: /not Mayfly's/,
  },
  {
    name: "a ledger that cannot be written",
    listener: problem(503, { reason: "store" }),
    code: 7,
    says: /\(store\)[^]*no task was opened/,
  },
  {
    name: "a provider that is down",
    listener: problem(
      503,
      { reason: "provider", detail: "The system made no credential. Nothing; ask again later." },
      { "retry-after": "9" },
    ),
    code: 6,
    says: /next: ask again later; the broker asks to wait 9 s\n {2}request: req_1/,
  },
  { name: "a fault of the broker", listener: problem(500, {}), code: 1, says: /request: req_1/ },
  {
    name: "a limit",
    listener: problem(429, { reason: "limit_reached", limit: "liveLeasesPerTask" }),
    code: 3,
    says: /limit_reached, liveLeasesPerTask|liveLeasesPerTask, limit_reached/,
  },
  {
    name: "a code of a newer broker",
    listener: problem(400, {
      reason: "moon_phase",
      detail: "The moon is full. Nothing was changed; wait for another one.",
    }),
    code: 3,
    says: /The moon is full \(.*moon_phase\)[^]*next: wait for another one/,
  },
  {
    name: "an answer that tries to drive the terminal",
    listener: problem(403, { detail: "\u001b[2Jgone\u202e" }),
    code: 3,
    says: /\?\[2Jgone\?/,
  },
];

describe("cli: brokers that do not answer as they should", () => {
  it.each(rows)("$name", async ({ listener, code, says }) => {
    const ran = await run(await serve(listener));
    expect(ran).toMatchObject({ code, stdout: "" });
    expect(ran.stderr).toMatch(says);
    expect(ran.stderr).not.toContain("attestation-canary");
  });

  it("nobody there", async () => {
    const server = await listenOnLoopback(createServer());
    await server.close();
    const ran = await run(server.url);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(/nothing listens there[^]*no task was opened[^]*mayfly serve/);
  });

  it("one that never answers, within the given time", async () => {
    const ran = await run(await serve(() => {}), "--timeout", "1s");
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(/did not answer within 1 s[^]*--timeout/);
  });

  it("one that points elsewhere: the attestation does not follow", async () => {
    const seen: string[] = [];
    const elsewhere = await serve((request, response) => {
      seen.push(request.url ?? "");
      response.end("{}");
    });
    const ran = await run(
      await serve((_request, response) => void response.writeHead(307, { location: `${elsewhere}/tasks` }).end()),
    );
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(seen).toEqual([]);
  });

  it("tells of output that could not be written", async () => {
    const url = await serve((_request, response) => void response.end('{"task_id":"tsk_1","deadline_at":"soon"}'));
    const ran = await runBinary([...open, url], { env: { MAYFLY_ATTESTATION: "a" }, stdoutFile: "/dev/full" });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("could be written (ENOSPC)");
  });
});
