/** Whether a token is good where it would be used: at its OAuth server, or at an API that asks the broker. */
import type { BrokerClient } from "./client.ts";
import type { Servers } from "./servers.ts";

/** A token of the broker's own has three parts; an opaque one is asked of the servers that make such. */
export async function isUsable(client: BrokerClient, servers: Servers, token: string): Promise<boolean> {
  if (token.split(".").length !== 3) return servers.isAlive(token);
  const { status, body, text } = await client.send("POST", "/introspect", { as: "report-api", form: { token } });
  if (status !== 200 || body.active === undefined) throw new Error(`introspection answered ${status}: ${text}`);
  return body.active;
}
