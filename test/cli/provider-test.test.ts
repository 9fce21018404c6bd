/** `mayfly provider test` as its round goes on: what stands there at which moment, and answers that end early. */
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { runCommandLine } from "../../src/cli/program.ts";
import { createTerminal } from "../../src/cli/terminal.ts";
import { eventuallyTrue } from "../support/flow/eventually.ts";
import { listenOnLoopback, type LoopbackServer } from "../support/loopback-server.ts";
import { realClock } from "../support/real-clock.ts";

const running: LoopbackServer[] = [];
afterEach(() => Promise.all(running.splice(0).map((server) => server.close())));

async function start(listener: RequestListener, more: readonly string[] = [], { isTTY = false } = {}) {
  const server = await listenOnLoopback(createServer(listener));
  running.push(server);
  const stream = () => Object.assign(new PassThrough(), { isTTY });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  const seen = { out: "", err: "", all: "" };
  const keep = (where: "out" | "err") => (piece: Buffer) => {
    seen[where] += piece.toString();
    seen.all += piece.toString();
  };
  stdout.on("data", keep("out"));
  stderr.on("data", keep("err"));
  const env = { MAYFLY_ATTESTATION: "a", MAYFLY_ADMIN_URL: server.url, NO_COLOR: "1" };
  const terminal = createTerminal({ stdin, stdout, stderr, env });
  const stopSignal = () => new AbortController().signal;
  const args = ["provider", "test", "db", "--template", "read", ...more];
  const code = runCommandLine(args, { env, terminal, stdin, clock: realClock, stopSignal });
  const until = (text: string) => eventuallyTrue(`it says ${text}`, async () => seen.all.includes(text));
  return { code, seen, until };
}

const step = (name: string, more: object = {}) => ({ step: name, outcome: "ok", seconds: 0.25, detail: name, ...more });
const whole = { provider: "db", passed: true, kill_seen: true, steps: [step("check"), step("mint")] };
const failedMint = step("mint", { outcome: "failed", detail: "permission", fix: "grant \u001b[2Jit" });
const line = (value: object): string => `${JSON.stringify(value)}\n`;

describe("cli: provider test", () => {
  it("tells each step as it begins and ends, with its time", async () => {
    const answer = Promise.withResolvers<ServerResponse>();
    const { code, seen, until } = await start((_, response) => answer.resolve(response), [], { isTTY: true });
    const response = await answer.promise;
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(line({ began: "check" }));
    await until("check ...");
    response.write(line({ ended: step("check") }));
    await until("check      ok         0.250    check");
    response.write(line({ began: "mint" }));
    await until("mint ...");
    response.write(line({ ended: step("mint") }).slice(0, 20));
    response.end(line({ ended: step("mint") }).slice(20) + line(whole));
    expect(await code).toBe(0);
    expect(seen.out).toBe(
      "STEP       OUTCOME    SECONDS  DETAIL\ncheck      ok         0.250    check\nmint       ok         0.250    mint\n",
    );
    expect(seen.err).toContain("it worked, was killed, and was then refused");
  });

  it.each<[string, readonly string[], RegExp, unknown]>([
    ["lines to a person", [], /x-ndjson/, ["STEP", "check", "mint"]],
    ["one document to a program", ["--json"], /^application\/json/, whole],
  ])("asks for %s", async (_, more, accepts, shown) => {
    let accept = "";
    const { code, seen } = await start((request, response) => {
      accept = request.headers.accept ?? "";
      response.end(
        accepts.test("application/json") ? JSON.stringify(whole) : line({ ended: step("check") }) + line(whole),
      );
    }, more);
    expect(await code).toBe(0);
    expect(accept).toMatch(accepts);
    const rows = seen.out.trimEnd().split("\n");
    expect(seen.out.startsWith("{") ? JSON.parse(seen.out) : rows.map((row) => row.split(" ")[0])).toEqual(shown);
  });

  it("a step that failed has its fix below it, without control characters, and the code says so", async () => {
    const { code, seen } = await start((_, response) => {
      const last = { ...whole, passed: false, kill_seen: false, steps: [failedMint] };
      response.end(line({ ended: failedMint }) + line(last));
    });
    expect(await code).toBe(6);
    expect(seen.all).toMatch(/mint +failed +0\.250 +permission\nmint: grant \?\[2Jit\ndb failed\n$/);
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ["ends early", (response) => void response.end(line({ began: "mint" })), /broke off before the last step/],
    [
      "is cut",
      (response) => void response.write(line({ began: "mint" }), () => response.destroy()),
      /broke before the answer came/,
    ],
  ])("an answer that %s is no success, and what may be left is said", async (_, answer, says) => {
    const { code, seen } = await start((_request, response) => answer(response));
    expect(await code).toBe(1);
    expect(seen.err).toMatch(says);
    expect(seen.err).toContain("nobody has it, and the broker revokes it");
  });
});
