/** What an answer of AWS means for a mint and for a kill. */
import { describe, expect, it } from "vitest";
import { codeIn, notDenied, notMinted, type AwsFault } from "../../../providers/aws-sts/aws-fault.ts";
import { millis } from "../../../src/kernel/time.ts";

const answered = (status: number, code: string): AwsFault => ({
  kind: "answered",
  status,
  code: codeIn(`<ErrorResponse><Error><Code>${code}</Code><Message>canary</Message></Error></ErrorResponse>`),
  after: undefined,
});

describe("aws-sts faults", () => {
  it.each<[string, AwsFault, "rejected" | "unknown", boolean | undefined, "retry" | "refused"]>([
    ["Throttling", answered(400, "Throttling"), "rejected", true, "retry"],
    ["RequestLimitExceeded", answered(400, "RequestLimitExceeded"), "rejected", true, "retry"],
    ["ServiceUnavailable", answered(503, "ServiceUnavailable"), "unknown", undefined, "retry"],
    ["InternalFailure", answered(500, "InternalFailure"), "unknown", undefined, "retry"],
    ["ConcurrentModification", answered(409, "ConcurrentModification"), "rejected", true, "retry"],
    ["ExpiredToken", answered(403, "ExpiredToken"), "rejected", true, "retry"],
    ["IDPCommunicationError", answered(400, "IDPCommunicationError"), "rejected", true, "retry"],
    ["InvalidIdentityToken", answered(400, "InvalidIdentityToken"), "rejected", true, "retry"],
    ["IDPRejectedClaim", answered(403, "IDPRejectedClaim"), "rejected", false, "refused"],
    ["AccessDenied", answered(403, "AccessDenied"), "rejected", false, "refused"],
    ["SignatureDoesNotMatch", answered(403, "SignatureDoesNotMatch"), "rejected", false, "refused"],
    ["ValidationError", answered(400, "ValidationError"), "rejected", false, "refused"],
    ["PackedPolicyTooLarge", answered(400, "PackedPolicyTooLarge"), "rejected", false, "refused"],
    ["MalformedPolicyDocument", answered(400, "MalformedPolicyDocument"), "rejected", false, "refused"],
    ["RegionDisabledException", answered(403, "RegionDisabledException"), "rejected", false, "refused"],
    ["LimitExceeded", answered(409, "LimitExceeded"), "rejected", false, "refused"],
    ["UnmodifiableEntity", answered(400, "UnmodifiableEntity"), "rejected", false, "refused"],
    ["a code that nobody knows", answered(400, "canary"), "rejected", false, "refused"],
    ["a timeout", { kind: "transport", reason: "timeout", maybeSent: true }, "unknown", undefined, "retry"],
    ["not sent", { kind: "transport", reason: "not_sent", maybeSent: false }, "rejected", true, "retry"],
    ["unreadable", { kind: "unreadable" }, "unknown", undefined, "retry"],
    ["no login", { kind: "no_login", reason: "login_unavailable" }, "rejected", true, "retry"],
  ])("%s", (_, fault, mint, retryable, kill) => {
    const outcome = notMinted(fault);
    expect(outcome.kind).toBe(mint);
    expect(outcome.kind === "rejected" ? outcome.retryable : undefined).toBe(retryable);
    const verdict = notDenied(fault, "iam:PutRolePolicy");
    expect(verdict.kind).toBe(kill);
    expect(JSON.stringify([outcome, verdict])).not.toContain("canary");
  });

  it("waits as long as it is told", () => {
    const fault: AwsFault = { kind: "answered", status: 429, code: null, after: millis(7_000) };
    expect(notDenied(fault, "iam:PutRolePolicy")).toEqual({ kind: "retry", reason: "status_429", after: 7_000 });
  });

  it("says which right is missing", () => {
    const verdict = notDenied(answered(403, "AccessDenied"), "iam:PutRolePolicy");
    expect(verdict.kind === "refused" && verdict.fix).toContain("iam:PutRolePolicy");
  });
});
