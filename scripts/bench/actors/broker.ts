/** The whole broker as `mayfly serve` starts it, in a process of its own. */
import { parseServeOptions } from "../../../src/entry/config.ts";
import { startBroker } from "../../../src/entry/serve.ts";
import { serveActor } from "../actor.ts";

interface Wish {
  readonly policyDir: string;
  readonly dataDir: string;
  /** Left out: a file in the data folder. */
  readonly ledger?: string;
  readonly issuer: string;
  readonly role?: string;
}

serveActor({
  async start({ policyDir, dataDir, ledger, issuer, role }: Wish) {
    const options = parseServeOptions(
      {
        policy: policyDir,
        data: dataDir,
        ledger,
        issuer,
        role,
        listen: "127.0.0.1:0",
        adminListen: "127.0.0.1:0",
        development: true,
        logLevel: "warn",
      },
      {},
    );
    if (!options.ok) throw new Error(options.fault.map(({ setting, message }) => `${setting} ${message}`).join("\n"));
    const running = await startBroker(options.value, {});
    if (!running.ok) throw new Error(`${running.fault.setting} ${running.fault.message}`);
    return running.value.publicUrl;
  },
  usage: () => process.cpuUsage(),
});
