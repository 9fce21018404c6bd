/** The broker as the process that a user would start: `mayfly serve`. */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveOnLoopback } from "../servers/loopback.ts";
import { logFileIn, policyIn, type BrokerHost } from "./broker-host.ts";
import { openQuickstartLedger } from "./ledger.ts";

const cli = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** `ledger` is what the user said of it. */
export const nodeHost = (ledger: string | undefined): BrokerHost => ({
  addresses: async () => ({ brokerUrl: await freeAddress(), adminUrl: await freeAddress() }),

  async start({ dir, brokerUrl, adminUrl, env }) {
    const store = await openQuickstartLedger(ledger, process.env);
    const args = [cli, "serve", "--development", "--policy", policyIn(dir), "--data", join(dir, "data")];
    args.push("--listen", new URL(brokerUrl).host, "--admin-listen", new URL(adminUrl).host);
    args.push("--issuer", brokerUrl, ...store.args);
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...store.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr.pipe(createWriteStream(logFileIn(dir)));
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    return {
      logFile: logFileIn(dir),
      exited,
      async end() {
        child.kill("SIGTERM");
        await exited;
        await store.forget();
      },
    };
  },
});

async function freeAddress(): Promise<string> {
  const probe = await serveOnLoopback(() => {});
  await probe.close();
  return probe.url;
}
