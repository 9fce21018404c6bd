/** A broker on loopback with its two listeners, and the command line as each of its callers. */
import { createAdaptorServer } from "@hono/node-server";
import { compose, type Composed } from "../support/compose.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { policy, type Subject } from "../http/world.ts";
import { runBinary, runCli, type BinaryWish, type CliWish, type Ran } from "./run-cli.ts";

export interface CliWorld extends Composed {
  readonly publicUrl: string;
  readonly adminUrl: string;
  /** Runs the command as this caller, in this process. */
  as(who: Subject, args: readonly string[], wish?: CliWish): Promise<Ran>;
  /** The same as a process. */
  startAs(who: Subject, args: readonly string[], wish?: BinaryWish): Promise<Ran>;
  /** Opens a task of `bot` and answers its id. */
  openTask(): Promise<string>;
  /** The environment of a caller, for a shell in this process. */
  environment(who: Subject): Record<string, string>;
}

/** `kills: false` leaves what is due where it is. */
export async function startCliWorld({ kills = true }: { kills?: boolean } = {}): Promise<CliWorld> {
  const composed = await compose({ policy, kills });
  const listeners = await Promise.all([composed.public, composed.admin].map(({ fetch }) => listen(fetch)));
  const [publicUrl = "", adminUrl = ""] = listeners.map(({ url }) => url);
  const environment = (who: Subject): Record<string, string> => ({
    MAYFLY_URL: publicUrl,
    MAYFLY_ADMIN_URL: adminUrl,
    MAYFLY_ATTESTATION: composed.attest(who),
  });
  const as: CliWorld["as"] = (who, args, wish = {}) =>
    runCli(args, { ...wish, env: { ...environment(who), ...wish.env } });
  return {
    ...composed,
    publicUrl,
    adminUrl,
    environment,
    as,
    startAs: (who, args, wish = {}) => runBinary(args, { ...wish, env: { ...environment(who), ...wish.env } }),
    async openTask() {
      const args = ["task", "open", "--agent", "bot", "--template", "api-read", "--deadline", "10m"];
      const opened = await as("planner", args);
      return opened.stdout.trim();
    },
    async close() {
      await Promise.all(listeners.map((listener) => listener.close()));
      await composed.close();
    },
  };
}

const listen = (fetch: (request: Request) => Response | Promise<Response>) =>
  listenOnLoopback(createAdaptorServer({ fetch, overrideGlobalObjects: false }));
