/** What can be wrong with a request before any use case sees it. Together with the broker's faults: all that is refused. */
import type { Fault } from "../broker/fault.ts";

export type RequestFault =
  /** One member of a body, a query or a header. `text` is public and ends a sentence that begins with its name. */
  | { readonly code: "invalid_member"; readonly member: string; readonly why: MemberFault; readonly text: string }
  /** No attestation was sent where one is needed. */
  | { readonly code: "unauthenticated" }
  /** A client secret, an assertion or an Authorization header where none belongs; clients here have no secrets. */
  | { readonly code: "client_authentication"; readonly scheme: "Basic" | "Bearer" | null }
  /** A proof of possession must not be ignored by a broker that cannot honour it: the caller would trust a binding. */
  | { readonly code: "dpop_not_supported" }
  | { readonly code: "media_type"; readonly expected: string }
  | { readonly code: "too_large"; readonly maxBytes: number }
  | { readonly code: "client_gone" }
  | { readonly code: "no_such_path" }
  | { readonly code: "method_not_allowed"; readonly allow: string }
  | { readonly code: "internal" };

export type MemberFault = "missing" | "unknown_member" | "wrong_type" | "not_allowed" | "out_of_range" | "wrong_form";

export type HttpFault = Fault | RequestFault;
export type HttpFaultCode = HttpFault["code"];

/** `message` is public: it names the caller's own mistake, without a full stop. */
export const malformed = (message: string): HttpFault => ({ code: "malformed", message });

/** An unknown member may be as long as a body. */
const maxMemberLength = 80;

/** `member` is empty for the body as a whole. */
export const invalidMember = (member: string, why: MemberFault, text: string): HttpFault => ({
  code: "invalid_member",
  member: member.slice(0, maxMemberLength),
  why,
  text,
});

export const invalidCursor = invalidMember("after", "wrong_form", "must be the next of the page before");
