/** IAM narrowed to the calls that are made, each answering a value or a fault. */
import {
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { AwsFault } from "./aws-fault.ts";
import { attempt, clientConfiguration, type CallTools } from "./call.ts";

export interface Iam {
  /** The longest session that it gives; null where the server does not say. */
  roleMaxSeconds(roleName: string, signal: AbortSignal): Promise<Result<number | null, AwsFault>>;
  policyNames(roleName: string, signal: AbortSignal): Promise<Result<readonly string[], AwsFault>>;
  /** As it stands there; null where there is none. */
  policy(roleName: string, policyName: string, signal: AbortSignal): Promise<Result<string | null, AwsFault>>;
  putPolicy(roleName: string, policyName: string, text: string, signal: AbortSignal): Promise<Result<void, AwsFault>>;
  /** Also where there is none. */
  deletePolicy(roleName: string, policyName: string, signal: AbortSignal): Promise<Result<void, AwsFault>>;
}

/** A role holds a few; each page is a request. */
const maxPages = 10;

export function createIam(tools: CallTools): Iam {
  const client = new IAMClient(clientConfiguration(tools));

  return {
    async roleMaxSeconds(RoleName, abortSignal) {
      const answer = await attempt(tools, () => client.send(new GetRoleCommand({ RoleName }), { abortSignal }));
      if (!answer.ok) return answer;
      const { Role } = answer.value;
      return Role === undefined ? err({ kind: "unreadable" }) : ok(Role.MaxSessionDuration ?? null);
    },

    async policyNames(RoleName, abortSignal) {
      const names: string[] = [];
      let Marker: string | undefined;
      for (let page = 0; page < maxPages; page += 1) {
        const input = { RoleName, ...(Marker === undefined ? {} : { Marker }) };
        const answer = await attempt(tools, () => client.send(new ListRolePoliciesCommand(input), { abortSignal }));
        if (!answer.ok) return answer;
        names.push(...(answer.value.PolicyNames ?? []));
        Marker = answer.value.IsTruncated === true ? answer.value.Marker : undefined;
        if (Marker === undefined) return ok(names);
      }
      return err({ kind: "unreadable" });
    },

    async policy(RoleName, PolicyName, abortSignal) {
      const answer = await attempt(tools, () =>
        client.send(new GetRolePolicyCommand({ RoleName, PolicyName }), { abortSignal }),
      );
      if (answer.ok) {
        const { PolicyDocument } = answer.value;
        return PolicyDocument === undefined ? err({ kind: "unreadable" }) : ok(PolicyDocument);
      }
      return isAbsent(answer.fault) ? ok(null) : answer;
    },

    async putPolicy(RoleName, PolicyName, PolicyDocument, abortSignal) {
      const input = { RoleName, PolicyName, PolicyDocument };
      const answer = await attempt(tools, () => client.send(new PutRolePolicyCommand(input), { abortSignal }));
      return answer.ok ? ok() : answer;
    },

    async deletePolicy(RoleName, PolicyName, abortSignal) {
      const answer = await attempt(tools, () =>
        client.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }), { abortSignal }),
      );
      return answer.ok || isAbsent(answer.fault) ? ok() : answer;
    },
  };
}

/** IAM judges the right to ask before it looks: this never means "not allowed to know". */
export const isAbsent = (fault: AwsFault): boolean =>
  fault.kind === "answered" && fault.status === 404 && fault.code === "no_such_entity";
