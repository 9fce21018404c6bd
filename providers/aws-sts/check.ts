/**
 * Looks, role by role, whether its sessions can be made and killed: the rights of both logins, the room for denials, the
 * longest session. Changes nothing: the one policy that it sends is no policy at all, which IAM refuses after it
 * judged the right to send it, and the one session that it gets may do nothing.
 */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { fixOf, passes, reasonOf, type AwsFault, type AwsThing } from "./aws-fault.ts";
import type { Client } from "./client.ts";
import { chainedSeconds } from "./options.ts";
import { deniableIn, maxOverflow } from "./deny-document.ts";
import type { Role } from "./role.ts";

const nothing = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }] });

export async function checkAwsSts(client: Client, signal: AbortSignal): Promise<Result<void, string>> {
  const chained = await checkChaining(client, signal);
  if (!chained.ok) return chained;
  for (const role of client.options.roles) {
    const killable = await checkKill(client, role, signal);
    if (!killable.ok) return killable;
    const overflowing = await checkOverflow(client, role, signal);
    if (!overflowing.ok) return overflowing;
    const mintable = await checkMint(client, role, signal);
    if (!mintable.ok) return mintable;
  }
  return ok();
}

const problem = (role: Role, what: string, fault: AwsFault, on: AwsThing = "role"): Result<never, string> =>
  err(`${role.arn}: ${what}: ${reasonOf(fault)}; ${passes(fault) ? "try again" : fixOf(fault, what, on)}`);

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
  const room = deniableIn(left.value) + (client.overflowPolicy === undefined ? 0 : maxOverflow);
  if (room < (options.overflow === "cutoff" ? 1 : options.maxSessions))
    return err(
      `${role.arn}: its other inline policies leave room to deny ${room} sessions; make them managed policies, name an overflowPolicy, or set maxSessions: ${room}`,
    );
  const name = `${client.policyName}-check`;
  const put = await iam.putPolicy(role.name, name, "-", signal);
  if (!isAllowed(put)) return problem(role, "iam:PutRolePolicy", put.fault);
  const deleted = await iam.deletePolicy(role.name, name, signal);
  return deleted.ok ? ok() : problem(role, "iam:DeleteRolePolicy", deleted.fault);
}

/** IAM looks at the text, and at what it has room for, once it has judged the right. */
const isAllowed = (put: Result<void, AwsFault>): put is { readonly ok: true; readonly value: void } =>
  put.ok ||
  (put.fault.kind === "answered" && (put.fault.code === "malformed_policy" || put.fault.code === "limit_exceeded"));

/** No policy comes to so many. */
const noVersion = "v999999999";

async function checkOverflow(client: Client, role: Role, signal: AbortSignal): Promise<Result<void, string>> {
  const { overflowPolicy, managed } = client;
  if (overflowPolicy === undefined) return ok();
  const found = await overflowPolicy.read(role, signal);
  if (!found.ok) {
    const { verdict } = found.fault;
    return err(
      `${role.arn}: overflowPolicy: ${verdict.reason}; ${verdict.kind === "refused" ? verdict.fix : "try again"}`,
    );
  }
  const arn = overflowPolicy.arnFor(role);
  const replaced = await managed.replace(arn, "-", signal);
  if (!isAllowed(replaced)) return problem(role, "iam:CreatePolicyVersion", replaced.fault, "policy");
  const deleted = await managed.deleteVersion(arn, noVersion, signal);
  return deleted.ok ? ok() : problem(role, "iam:DeletePolicyVersion", deleted.fault, "policy");
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
