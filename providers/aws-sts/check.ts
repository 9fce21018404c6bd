/**
 * Looks, role by role, whether its sessions can be made and killed: the rights of both logins, the room for denials, the
 * longest session. Changes nothing: the one policy that it sends is no policy at all, which IAM refuses after it
 * judged the right to send it, and the one session that it gets may do nothing.
 */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { fixOf, passes, reasonOf, type AwsFault } from "./aws-fault.ts";
import type { Client } from "./client.ts";
import { deniableIn } from "./deny-document.ts";
import type { Role } from "./role.ts";

/** Of a session that somebody assumed, which STS gives no longer sessions from. */
const chainedSeconds = 3600;
const nothing = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }] });

export async function checkAwsSts(client: Client, signal: AbortSignal): Promise<Result<void, string>> {
  const chained = await checkChaining(client, signal);
  if (!chained.ok) return chained;
  for (const role of client.options.roles) {
    const killable = await checkKill(client, role, signal);
    if (!killable.ok) return killable;
    const mintable = await checkMint(client, role, signal);
    if (!mintable.ok) return mintable;
  }
  return ok();
}

const problem = (role: Role, what: string, fault: AwsFault): Result<never, string> =>
  err(`${role.arn}: ${what}: ${reasonOf(fault)}; ${passes(fault) ? "try again" : fixOf(fault, what)}`);

async function checkChaining({ options, sts }: Client, signal: AbortSignal): Promise<Result<void, string>> {
  if (options.minter.kind === "broker_token" || options.maxSessionSeconds <= chainedSeconds) return ok();
  const caller = await sts.callerArn(signal);
  // Not every server tells who asks.
  if (!caller.ok || !caller.value.includes(":assumed-role/")) return ok();
  return err(
    `the minter's login is a role itself, from which AWS gives sessions of an hour at most; set maxSessionSeconds: ${chainedSeconds}`,
  );
}

async function checkKill(client: Client, role: Role, signal: AbortSignal): Promise<Result<void, string>> {
  const { iam, options } = client;
  const longest = await iam.roleMaxSeconds(role.name, signal);
  if (!longest.ok) return problem(role, "iam:GetRole", longest.fault);
  if (longest.value !== null && longest.value < options.maxSessionSeconds)
    return err(`${role.arn}: gives sessions of ${longest.value} s; set maxSessionSeconds to that, or raise the role's`);
  client.room.forget(role);
  const left = await client.room.left(role, signal);
  if (!left.ok) return problem(role, "iam:ListRolePolicies and iam:GetRolePolicy", left.fault);
  const room = deniableIn(left.value);
  if (room < (options.overflow === "cutoff" ? 1 : options.maxSessions))
    return err(
      `${role.arn}: its other inline policies leave room to deny ${room} sessions; make them managed policies, or set maxSessions: ${room}`,
    );
  const name = `${client.policyName}-check`;
  const put = await iam.putPolicy(role.name, name, "-", signal);
  const isAllowed = put.ok || (put.fault.kind === "answered" && put.fault.code === "malformed_policy");
  if (!isAllowed) return problem(role, "iam:PutRolePolicy", put.fault);
  const deleted = await iam.deletePolicy(role.name, name, signal);
  return deleted.ok ? ok() : problem(role, "iam:DeleteRolePolicy", deleted.fault);
}

async function checkMint(client: Client, role: Role, signal: AbortSignal): Promise<Result<void, string>> {
  const { options, sts } = client;
  const session = {
    role: role.arn,
    sessionName: "jit-check",
    durationSeconds: options.maxSessionSeconds,
    policy: nothing,
  };
  const what = options.minter.kind === "broker_token" ? "sts:AssumeRoleWithWebIdentity" : "sts:AssumeRole";
  const tags = options.tags ? [{ key: "mayfly-task", value: "check" }] : [];
  const sourceIdentity = options.sourceIdentity ? session.sessionName : undefined;
  const answer =
    options.minter.kind === "broker_token"
      ? await sts.assumeRoleWithWebIdentity(
          { ...session, token: await client.brokerToken.sign(tags, sourceIdentity) },
          signal,
        )
      : await sts.assumeRole({ ...session, externalId: options.externalId, tags, sourceIdentity }, signal);
  if (answer.ok) return ok();
  if (answer.fault.kind === "answered" && answer.fault.code === "validation_error")
    return err(`${role.arn}: AWS gives no session of ${options.maxSessionSeconds} s; lower maxSessionSeconds`);
  return problem(role, what, answer.fault);
}
