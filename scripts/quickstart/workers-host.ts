/** The broker in the Workers runtime of this machine, in place of a process of Node. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../servers/child-server.ts";
import { devAddresses, secretLines, startDevBroker } from "../worker/start-dev-broker.ts";
import { policyIn, type BrokerHost } from "./broker-host.ts";

export const workersHost = (options: { readonly port?: number; readonly isShown?: boolean } = {}): BrokerHost => ({
  addresses: async () => devAddresses(options.port ?? (await freePort())),

  async start({ dir, brokerUrl, env }) {
    const secrets = join(dir, "secrets.vars");
    await writeFile(secrets, secretLines(Object.entries(env)), { mode: 0o600 });
    return startDevBroker({
      dir,
      policy: policyIn(dir),
      port: Number(new URL(brokerUrl).port),
      secretFiles: [secrets],
      isShown: options.isShown ?? false,
    });
  },
});
