/**
 * Every fault as the wire tells it, mapped once; wire-texts.ts holds the words. A fault's `detail` never gets here.
 */
import { unreachable } from "../kernel/unreachable.ts";
import type { HttpFault, RequestFault } from "./request-fault.ts";
import * as wire from "./wire-texts.ts";

export function wireFault(fault: HttpFault): wire.WireFault {
  switch (fault.code) {
    case "malformed":
      return { ...wire.malformed, text: `${fault.message}. ${wire.unchangedFixIt}` };
    case "attestation_refused":
      return { ...wire.attestationRefused, reason: fault.why };
    case "not_registered":
      return { ...wire.attestationRefused, reason: "not_registered" };
    case "foreign_client":
      return wire.foreignClient;
    case "unsupported_grant_type":
      return wire.unsupportedGrantType;
    case "invalid_scope":
      return { ...wire.invalidScope, reason: fault.why };
    case "invalid_target":
      return wire.invalidTarget;
    case "invalid_details":
      return wire.invalidDetails(fault.why);
    case "denied":
      return { ...wire.denied, reason: fault.why };
    case "not_found":
      return wire.notFound;
    case "task_closed":
      return wire.taskClosed(fault.gate);
    case "limit_reached":
      return {
        ...wire.limitReached,
        members: { limit: fault.limit },
        headers: wire.retryAfter(fault.retryAfterSeconds),
      };
    case "replayed":
      return wire.replayed;
    case "key_reused":
      return wire.keyReused;
    case "already_delivered":
      return { ...wire.alreadyDelivered, members: { lease_id: fault.leaseId } };
    case "unavailable":
      return wire.unavailable(fault.why, fault.retryAfterSeconds);
    case "invalid_member":
    case "unauthenticated":
    case "client_authentication":
    case "dpop_not_supported":
    case "media_type":
    case "too_large":
    case "client_gone":
    case "no_such_path":
    case "method_not_allowed":
    case "internal":
      return requestWireFault(fault);
    default:
      return unreachable(fault);
  }
}

function requestWireFault(fault: RequestFault): wire.WireFault {
  switch (fault.code) {
    case "invalid_member":
      return invalidMember(fault);
    case "unauthenticated":
      return wire.unauthenticated;
    case "client_authentication":
      // RFC 6749 §5.2: 401 only for a client that used the Authorization header, with the scheme that it used.
      if (fault.scheme === null) return wire.clientAuthentication;
      return { ...wire.clientAuthentication, status: 401, headers: wire.challenge(fault.scheme) };
    case "dpop_not_supported":
      return wire.dpopNotSupported;
    case "no_such_path":
      return wire.notFound;
    case "media_type":
      return { ...wire.wrongMediaType, text: `The body must be ${fault.expected}. ${wire.unchangedFixIt}` };
    case "too_large":
      return {
        ...wire.tooLarge,
        text: `The body is larger than ${fault.maxBytes} bytes. Nothing was changed; send less.`,
      };
    case "client_gone":
      return wire.clientGone;
    case "method_not_allowed":
      return { ...wire.methodNotAllowed, headers: { Allow: fault.allow } };
    case "internal":
      return wire.internal;
    default:
      return unreachable(fault);
  }
}

function invalidMember({ member, why, text }: Extract<RequestFault, { code: "invalid_member" }>): wire.WireFault {
  const told = `${member === "" ? "the body" : member} ${text}. ${wire.unchangedFixIt}`;
  return { ...wire.malformed, text: told, reason: why, ...(member !== "" && { members: { member } }) };
}
