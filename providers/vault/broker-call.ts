/**
 * A request with the broker's own token. A 403 means "you may not" or "your token is dead", and only `lookup-self` tells
 * them apart: where the token is dead the broker logs in again and asks once more. A 403 that gets out of here is a
 * denial of a token that the server knows.
 */
import type { Redacted } from "../../src/kernel/redacted.ts";
import type { VaultAnswer, VaultClient, VaultRequest } from "./client.ts";
import type { LoginFault } from "./login.ts";
import type { Session } from "./session.ts";

export type BrokerAnswer = VaultAnswer | ({ readonly kind: "no_login" } & LoginFault);
export type BrokerRequest = Omit<VaultRequest, "token">;
export type AskAsBroker = (request: BrokerRequest) => Promise<BrokerAnswer>;

export function createBrokerCall(client: VaultClient, session: Session): AskAsBroker {
  return async (request) => {
    const token = await session.token();
    if (!token.ok) return { kind: "no_login", ...token.fault };
    const answer = await client.send({ ...request, token: token.value });
    if (!isForbidden(answer)) return answer;
    const known = await isKnown(client, token.value, request.signal);
    if (known !== "no") return known === "yes" ? answer : unconfirmed;
    session.distrust(token.value);
    const another = await session.token();
    if (!another.ok) return { kind: "no_login", ...another.fault };
    return client.send({ ...request, token: another.value });
  };
}

const isForbidden = (answer: VaultAnswer): boolean => answer.kind === "answered" && answer.status === 403;

/** The first request was refused, so nothing happened; whether for good is not known. */
const unconfirmed: BrokerAnswer = { kind: "no_login", reason: "denial_not_confirmed", passing: true };

async function isKnown(
  client: VaultClient,
  token: Redacted,
  signal: AbortSignal | undefined,
): Promise<"yes" | "no" | "unclear"> {
  const self = await client.send({
    verb: "read",
    path: "auth/token/lookup-self",
    token,
    ...(signal === undefined ? {} : { signal }),
  });
  if (self.kind === "failed") return "unclear";
  if (self.status === 200) return "yes";
  return self.status === 403 ? "no" : "unclear";
}
