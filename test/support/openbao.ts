/** A real OpenBao set up as the provider's page says: the broker's policy, its token role, and ways to log in. */
import { startOpenBao, type OpenBaoServer } from "../../scripts/servers/openbao.ts";
import { brokerPolicy, readerPolicy } from "./vault-policies.ts";

export interface PreparedBao extends OpenBaoServer {
  /** A token of the broker's policy, which lives for an hour. */
  brokerToken(wish?: { ttl?: string; policies?: readonly string[] }): Promise<string>;
  /** Asks and throws unless it worked. */
  must(method: string, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>>;
}

export async function startPreparedBao(): Promise<PreparedBao> {
  const server = await startOpenBao();
  const must: PreparedBao["must"] = async (method, path, body) => {
    const answer = await server.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await must("PUT", "sys/policies/acl/mayfly", { policy: brokerPolicy });
  await must("PUT", "sys/policies/acl/app-read", { policy: readerPolicy });
  await must("POST", "secret/data/app/emea", { data: { value: "the numbers of the day" } });
  await must("POST", "secret/data/app/apac", { data: { value: "other numbers" } });
  await must("POST", "auth/token/roles/mayfly", {
    allowed_policies: ["app-read", "ledger-db", "web-pki"],
    orphan: true,
    renewable: false,
    token_type: "service",
    token_no_default_policy: true,
  });
  return {
    ...server,
    must,
    async brokerToken({ ttl = "1h", policies = ["mayfly"] } = {}) {
      const made = await must("POST", "auth/token/create", { policies, ttl, no_parent: true });
      return (made["auth"] as { client_token: string }).client_token;
    },
  };
}

/** Reads the secret that the reader policy allows, as an agent would: the status. */
export async function readSecret(url: string, token: string, path = "secret/data/app/emea"): Promise<number> {
  const answer = await fetch(`${url}/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  await answer.body?.cancel();
  return answer.status;
}
