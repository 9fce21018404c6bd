/** What runs the broker of a quickstart: a process of Node, or the Workers runtime. */
import { readFile } from "node:fs/promises";

export interface BrokerHost {
  addresses(): Promise<BrokerAddresses>;
  /** Rejects with what to do where it cannot be. */
  start(wish: BrokerWish): Promise<HostedBroker>;
}

export interface BrokerAddresses {
  readonly brokerUrl: string;
  readonly adminUrl: string;
}

export interface BrokerWish extends BrokerAddresses {
  /** Its own; the policy is in it. */
  readonly dir: string;
  /** Secrets of its providers, by the names that the policy gives them. */
  readonly env: Readonly<Record<string, string>>;
}

export interface HostedBroker {
  readonly logFile: string;
  readonly exited: Promise<void>;
  /** Resolves when nothing of it is left. */
  end(): Promise<void>;
}

export const policyIn = (dir: string): string => `${dir}/policy`;
export const logFileIn = (dir: string): string => `${dir}/broker.log`;

const startTimeoutMillis = 60_000;

export async function untilReady(url: string, broker: HostedBroker): Promise<void> {
  const exit = new AbortController();
  void broker.exited.then(() => exit.abort());
  const hopeless = AbortSignal.any([exit.signal, AbortSignal.timeout(startTimeoutMillis)]);
  while (!hopeless.aborted) {
    const status = await fetch(`${url}/readyz`, { signal: hopeless }).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const log = await readFile(broker.logFile, "utf8").catch(() => "");
  throw new Error(`the broker did not become ready:\n${log.trim().split("\n").slice(-8).join("\n")}`);
}
