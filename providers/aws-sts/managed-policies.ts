/** IAM's customer-managed policies narrowed to the calls that are made, each answering a value or a fault. */
import {
  CreatePolicyVersionCommand,
  DeletePolicyVersionCommand,
  GetPolicyVersionCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListPolicyVersionsCommand,
} from "@aws-sdk/client-iam";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { AwsFault } from "./aws-fault.ts";
import { attempt, clientConfiguration, type CallTools } from "./call.ts";
import { isAbsent } from "./iam.ts";

export interface ManagedPolicies {
  isAttached(roleName: string, arn: string, signal: AbortSignal): Promise<Result<boolean, AwsFault>>;
  versions(arn: string, signal: AbortSignal): Promise<Result<readonly PolicyVersion[], AwsFault>>;
  text(arn: string, version: string, signal: AbortSignal): Promise<Result<string, AwsFault>>;
  /** A new version, and from now on the one that counts. */
  replace(arn: string, text: string, signal: AbortSignal): Promise<Result<void, AwsFault>>;
  /** Also where there is none. */
  deleteVersion(arn: string, version: string, signal: AbortSignal): Promise<Result<void, AwsFault>>;
}
export interface PolicyVersion {
  readonly id: string;
  readonly isDefault: boolean;
}

/** A role has at most twenty attached, a policy five versions. */
const pageSize = 100;

export function createManagedPolicies(tools: CallTools): ManagedPolicies {
  const client = new IAMClient(clientConfiguration(tools));
  return {
    async isAttached(RoleName, arn, abortSignal) {
      const command = new ListAttachedRolePoliciesCommand({ RoleName, MaxItems: pageSize });
      const answer = await attempt(tools, () => client.send(command, { abortSignal }));
      if (!answer.ok) return answer;
      return ok((answer.value.AttachedPolicies ?? []).some(({ PolicyArn }) => PolicyArn === arn));
    },

    async versions(PolicyArn, abortSignal) {
      const command = new ListPolicyVersionsCommand({ PolicyArn, MaxItems: pageSize });
      const answer = await attempt(tools, () => client.send(command, { abortSignal }));
      if (!answer.ok) return answer;
      return ok(
        (answer.value.Versions ?? []).flatMap(({ VersionId, IsDefaultVersion }) =>
          VersionId === undefined ? [] : [{ id: VersionId, isDefault: IsDefaultVersion === true }],
        ),
      );
    },

    async text(PolicyArn, VersionId, abortSignal) {
      const command = new GetPolicyVersionCommand({ PolicyArn, VersionId });
      const answer = await attempt(tools, () => client.send(command, { abortSignal }));
      if (!answer.ok) return answer;
      const text = answer.value.PolicyVersion?.Document;
      return text === undefined ? err({ kind: "unreadable" }) : ok(text);
    },

    async replace(PolicyArn, PolicyDocument, abortSignal) {
      const command = new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument, SetAsDefault: true });
      const answer = await attempt(tools, () => client.send(command, { abortSignal }));
      return answer.ok ? ok() : answer;
    },

    async deleteVersion(PolicyArn, VersionId, abortSignal) {
      const command = new DeletePolicyVersionCommand({ PolicyArn, VersionId });
      const answer = await attempt(tools, () => client.send(command, { abortSignal }));
      return answer.ok || isAbsent(answer.fault) ? ok() : answer;
    },
  };
}
