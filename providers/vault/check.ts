/**
 * Logs in and asks the server what the broker may do there: each path of a mint and a kill, and the token role. Changes
 * nothing. Answers short texts for people, none of them the server's.
 */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { membersOf, textOf, textsOf } from "./answers.ts";
import type { BrokerAnswer } from "./broker-call.ts";
import { faultWord } from "./fault-word.ts";
import type { VaultOptions } from "./options.ts";
import type { VaultParts } from "./parts.ts";

export async function checkVault(parts: VaultParts, signal: AbortSignal): Promise<Result<void, string>> {
  const { options } = parts;
  const wanted = wantedRights(options);
  const body = { paths: Object.keys(wanted) };
  const answer = await parts.asBroker({ verb: "write", path: "sys/capabilities-self", body, signal });
  if (answer.kind !== "answered" || answer.status !== 200 || answer.body === null) return err(notAnswered(answer));
  const given = membersOf(answer.body, "data");
  for (const [path, rights] of Object.entries(wanted)) {
    const has = textsOf(given, path);
    const lacks = has.includes("root") ? [] : rights.filter((right) => !has.includes(right));
    if (lacks.length > 0) return err(`the broker's policy lacks ${lacks.join(" and ")} on ${path}`);
  }
  return checkRole(parts, signal);
}

function wantedRights({ tokenRole, listing }: VaultOptions): Readonly<Record<string, readonly string[]>> {
  return {
    [`auth/token/create/${tokenRole}`]: ["update"],
    "auth/token/lookup-accessor": ["update"],
    "auth/token/revoke-accessor": ["update"],
    "sys/leases/lookup": ["update"],
    "sys/leases/revoke": ["update"],
    ...(listing ? { "auth/token/accessors/": ["list", "sudo"] } : {}),
  };
}

/** Only where the broker may read it; a role that is not as it should be shows at the first mint otherwise. */
async function checkRole({ asBroker, options }: VaultParts, signal: AbortSignal): Promise<Result<void, string>> {
  const role = options.tokenRole;
  const answer = await asBroker({ verb: "read", path: `auth/token/roles/${role}`, signal });
  if (answer.kind !== "answered") return err(notAnswered(answer));
  if (answer.status === 404) return err(`there is no token role ${role}: make it as the provider's page says`);
  if (answer.status === 403) return ok();
  if (answer.status !== 200) return err(notAnswered(answer));
  const data = membersOf(answer.body, "data");
  if (data["orphan"] !== true) return err(`the token role ${role} must have orphan=true`);
  if (!["service", "default-service"].includes(textOf(data, "token_type") ?? ""))
    return err(`the token role ${role} must have token_type=service: batch tokens cannot be revoked`);
  const policies = [...textsOf(data, "allowed_policies"), ...textsOf(data, "allowed_policies_glob")];
  if (policies.length === 0)
    return err(`the token role ${role} must list allowed_policies: without, it gives the broker's own`);
  return ok();
}

function notAnswered(answer: BrokerAnswer): string {
  const word = faultWord(answer);
  if (answer.kind === "no_login") return `the broker cannot log in: ${word}`;
  return `the server did not answer as expected: ${word}`;
}
