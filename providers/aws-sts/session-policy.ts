/**
 * The inline session policy of one mint: the template's statements, each with the lease's own deadline. AWS gives no
 * session less than 15 minutes, but permissions are judged at each request: past the deadline nothing is allowed.
 */
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";
import type { Statement } from "./statements.ts";

/** Of AssumeRole: all inline session policy text of one session. */
export const maxSessionPolicyLength = 2048;

/** Rounded down to the second: a session must not outlive what was promised. */
export const deadlineOf = (expiresAt: EpochMillis): EpochMillis => epochMillis(Math.floor(expiresAt / 1000) * 1000);

export function sessionPolicy(statements: readonly Statement[], deadline: EpochMillis): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map(({ actions, resources, conditions }) => ({
      Effect: "Allow",
      Action: actions,
      Resource: resources,
      Condition: { ...conditions, DateLessThan: { "aws:CurrentTime": policyDate(deadline) } },
    })),
  });
}

/** ISO 8601 in whole seconds, the form that every server of this protocol reads. */
export const policyDate = (at: EpochMillis): string => new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
