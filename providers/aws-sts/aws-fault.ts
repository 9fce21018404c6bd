/**
 * What went wrong in a call to AWS, as data. Of an answer only its status and a code from a closed list go on; its text
 * never does. Statuses count as well as codes, because servers that are not AWS invent codes of their own.
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import type { Millis } from "../../src/kernel/time.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";
import type { HttpFault } from "../../src/ports/http-client.ts";
import type { MintOutcome } from "../../src/ports/provider.ts";

export type AwsFault =
  /** No answer. */
  | { readonly kind: "transport"; readonly reason: HttpFault["reason"]; readonly maybeSent: boolean }
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly code: AwsCode | null;
      readonly after: Millis | undefined;
    }
  /** A success that cannot be read. */
  | { readonly kind: "unreadable" }
  /** The broker has no credential of its own to ask with; nothing was sent. */
  | { readonly kind: "no_login"; readonly reason: string };

const codes = {
  Throttling: "throttled",
  ThrottlingException: "throttled",
  RequestLimitExceeded: "throttled",
  TooManyRequestsException: "throttled",
  ServiceFailure: "unavailable",
  ServiceUnavailable: "unavailable",
  InternalFailure: "unavailable",
  ConcurrentModification: "concurrent_modification",
  ConcurrentModificationException: "concurrent_modification",
  ExpiredToken: "login_expired",
  ExpiredTokenException: "login_expired",
  InvalidClientTokenId: "login_refused",
  UnrecognizedClientException: "login_refused",
  InvalidAccessKeyId: "login_refused",
  SignatureDoesNotMatch: "login_refused",
  IncompleteSignature: "login_refused",
  RequestExpired: "clock_skewed",
  RequestTimeTooSkewed: "clock_skewed",
  IDPCommunicationError: "issuer_unreachable",
  InvalidIdentityToken: "identity_token_refused",
  IDPRejectedClaim: "claims_refused",
  AccessDenied: "access_denied",
  AccessDeniedException: "access_denied",
  ValidationError: "validation_error",
  PackedPolicyTooLarge: "packed_policy_too_large",
  MalformedPolicyDocument: "malformed_policy",
  RegionDisabledException: "region_disabled",
  LimitExceeded: "limit_exceeded",
  NoSuchEntity: "no_such_entity",
  UnmodifiableEntity: "unmodifiable",
} as const;
export type AwsCode = (typeof codes)[keyof typeof codes];
/** What reasons are told as, where AWS says why. */
export const awsCodes: readonly AwsCode[] = [...new Set(Object.values(codes))];

/** From the body of a refusal. The wrapper around the code differs between servers, the element does not. */
export function codeIn(body: string): AwsCode | null {
  const text = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(body)?.[1];
  return text !== undefined && Object.hasOwn(codes, text) ? codes[text as keyof typeof codes] : null;
}

/** Short words for reports and logs. */
export function reasonOf(fault: AwsFault): string {
  switch (fault.kind) {
    case "transport":
    case "no_login":
      return fault.reason;
    case "unreadable":
      return "unreadable_answer";
    case "answered":
      return fault.code ?? `status_${fault.status}`;
    default:
      return unreachable(fault);
  }
}

const passingCodes: ReadonlySet<AwsCode | null> = new Set<AwsCode>([
  "throttled",
  "unavailable",
  "concurrent_modification",
  "login_expired",
  "issuer_unreachable",
  "identity_token_refused",
]);

/** Whether asking again can help. */
export function passes(fault: AwsFault): boolean {
  switch (fault.kind) {
    case "transport":
      return fault.reason !== "refused_url";
    case "no_login":
    case "unreadable":
      return true;
    case "answered":
      return passingCodes.has(fault.code) || fault.status >= 500 || [408, 425, 429].includes(fault.status);
    default:
      return unreachable(fault);
  }
}

/** 4xx answers say that nothing was made; everything else may have made a session. */
export function notMinted(fault: AwsFault): MintOutcome {
  const reason = reasonOf(fault);
  const rejected: MintOutcome = { kind: "rejected", reason, retryable: passes(fault) };
  switch (fault.kind) {
    case "transport":
      return fault.maybeSent ? { kind: "unknown", reason } : rejected;
    case "no_login":
      return rejected;
    case "unreadable":
      return { kind: "unknown", reason };
    case "answered":
      return fault.status >= 400 && fault.status < 500 && fault.status !== 408 ? rejected : { kind: "unknown", reason };
    default:
      return unreachable(fault);
  }
}

/** What a step changes or reads. */
export type AwsThing = "role" | "policy";

export type NotDenied = Extract<Verdict, { kind: "retry" | "refused" }>;

/** A step of a kill that failed: again later, or a person is needed. `step` names the IAM right that it takes. */
export function notDenied(fault: AwsFault, step: string, on: AwsThing = "role"): NotDenied {
  const reason = reasonOf(fault);
  if (passes(fault)) {
    const after = fault.kind === "answered" ? fault.after : undefined;
    return { kind: "retry", reason, ...(after === undefined ? {} : { after }) };
  }
  return { kind: "refused", reason, fix: fixOf(fault, step, on) };
}

const fixes = {
  role: {
    limit_exceeded: "make room in the role's inline policies (10,240 characters in all)",
    no_such_entity: "make the role again, or take it out of the provider's roles",
    unmodifiable: "use a role of your own; AWS lets nobody change this one",
  },
  policy: {
    limit_exceeded: "delete versions of the overflow policy that nobody needs; AWS keeps five",
    no_such_entity: "make the overflow policy again and attach it to its role, or take overflowPolicy out",
    unmodifiable: "use a policy of your own as overflowPolicy; AWS lets nobody change this one",
  },
} as const;

/** What a person has to do. */
export function fixOf(fault: AwsFault, step: string, on: AwsThing = "role"): string {
  const code = fault.kind === "answered" ? fault.code : null;
  if (code === "login_refused") return "give the provider's login a valid key, or let AWS trust its token again";
  if (code === "clock_skewed") return "set this machine's clock right; AWS refuses its signatures";
  if (code === "region_disabled") return "activate the region for STS in the account, or name another region";
  if (code === "limit_exceeded" || code === "no_such_entity" || code === "unmodifiable") return fixes[on][code];
  if (code === "access_denied" || (fault.kind === "answered" && fault.status === 403))
    return `allow the provider's login ${step} on the ${on === "role" ? "role" : "overflow policy"}`;
  return `look up why AWS refuses ${step}; its own words are in CloudTrail`;
}
