/**
 * A broker in a process of its own, on files that outlive it: either the watched program or plain `mayfly serve`.
 * Waiting is for what the process says or does, with a bound, never for time to pass.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { execPath, env as ownEnv } from "node:process";
import { fileURLToPath } from "node:url";
import type { Order, Said } from "./orders.ts";

export interface BrokerProcess {
  readonly publicUrl: string;
  readonly adminUrl: string;
  /** Everything that a watched program said so far. */
  readonly said: readonly Said[];
  /** Gives an order and waits until the program took it. */
  order(order: Order): Promise<void>;
  /** Resolves when the program has said something that fits; fails when it exits first. */
  until(what: string, fits: (said: Said) => boolean): Promise<void>;
  /** SIGKILL, and waits until the kernel has taken the process away. */
  kill(): Promise<void>;
}

export interface StartWish {
  /** `serve` is the real command; `watched` the same composition with its ports watched. */
  readonly program: "serve" | "watched";
  readonly env?: Readonly<Record<string, string>>;
  /** How much later than this machine the process lives. */
  readonly shiftMillis?: number;
}

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const command = {
  serve: [fileOf("../../../src/cli/main.ts"), "serve"],
  watched: [fileOf("./broker-program.ts")],
};
/** Far above what a start or a step takes on a busy machine. */
export const patienceMillis = 20_000;

export async function startBrokerProcess(wish: StartWish): Promise<BrokerProcess> {
  const child = spawn(execPath, ["--import", fileOf("./shift-clock.ts"), ...command[wish.program]], {
    env: { ...ownEnv, ...wish.env, MAYFLY_TEST_SHIFT_MILLIS: String(wish.shiftMillis ?? 0) },
    stdio: wish.program === "serve" ? ["ignore", "ignore", "pipe"] : ["ignore", "pipe", "pipe", "ipc"],
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const news = listen(child);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  try {
    await news.until("start", () => news.started() !== undefined);
  } catch (fault) {
    await kill();
    throw fault;
  }
  return {
    ...(news.started() ?? { publicUrl: "", adminUrl: "" }),
    said: news.said,
    async order(order) {
      const before = news.said.filter(({ said }) => said === "done").length;
      child.send(order);
      await news.until("take an order", () => news.said.filter(({ said }) => said === "done").length > before);
    },
    until: (what, fits) => news.until(what, () => news.said.some(fits)),
    kill,
  };
}

interface Addresses {
  readonly publicUrl: string;
  readonly adminUrl: string;
}

/** Gathers lines, and looks again at each of them whether someone's wait is over. */
function listen(child: ChildProcess) {
  const said: Said[] = [];
  const log: string[] = [];
  const waiting = new Set<() => void>();
  let addresses: Addresses | undefined;
  let hasExited = false;
  const look = (): void => waiting.forEach((wait) => wait());

  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on("line", (line) => {
      said.push(JSON.parse(line) as Said);
      look();
    });
  if (child.stderr !== null)
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      addresses ??= addressesOf(line);
      look();
    });
  child.once("close", () => {
    hasExited = true;
    look();
  });

  return {
    said,
    started: () => addresses,
    until(what: string, isOver: () => boolean): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const fail = (why: string): void =>
        reject(new Error(`the broker did not ${what}: ${why}\n${log.slice(-12).join("\n")}`));
      const timer = setTimeout(() => fail(`not within ${patienceMillis} ms`), patienceMillis);
      const wait = (): void => {
        if (isOver()) resolve();
        else if (hasExited) fail("it exited");
      };
      waiting.add(wait);
      wait();
      return promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(wait);
      });
    },
  };
}

/** The log line that every broker writes when it is up. */
function addressesOf(line: string): Addresses | undefined {
  if (!line.includes('"event":"started"')) return undefined;
  const { listen: publicUrl, admin: adminUrl } = JSON.parse(line) as { listen: string; admin: string };
  return { publicUrl, adminUrl };
}
