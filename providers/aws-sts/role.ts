/**
 * The ARN of a role, parsed once. Roles that AWS itself manages are refused here: nobody may change their policies, so
 * no session of theirs could be killed.
 */
import { err, ok, type Result } from "../../src/kernel/result.ts";

export interface Role {
  readonly arn: string;
  /** Empty on servers that know no accounts. */
  readonly account: string;
  /** Without its path: what IAM calls are made with. */
  readonly name: string;
}

const roleArn =
  /^arn:(?:aws|aws-cn|aws-us-gov):iam::(\d{12})?:role(\/(?:[\u0021-\u007e]{1,510}\/)?)([\w+=,.@-]{1,64})$/;

export function parseRole(arn: string): Result<Role, string> {
  const match = roleArn.exec(arn);
  if (match === null) return err("must be the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME");
  const [, account = "", path = "", name = ""] = match;
  if (/[*?$]/.test(arn)) return err("must name one role, without wildcards");
  if (path.startsWith("/aws-service-role/"))
    return err("is a service-linked role, which nobody can revoke sessions of");
  if (path.startsWith("/aws-reserved/") || name.startsWith("AWSReservedSSO_"))
    return err("is made by IAM Identity Center, which lets nobody deny its sessions; name a role of your own");
  return ok({ arn, account, name });
}
