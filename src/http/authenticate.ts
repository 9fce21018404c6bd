/** Who calls an endpoint that is not open to everyone: the Bearer attestation (RFC 6750 §2.1), proven and registered. */
import type { Broker } from "../broker/broker.ts";
import { isOperator } from "../broker/callers/may.ts";
import type { Caller } from "../broker/parts.ts";
import { Redacted } from "../kernel/redacted.ts";
import { err, type Result } from "../kernel/result.ts";
import type { OperatorRight } from "../policy/resources.ts";
import type { Call } from "./endpoint.ts";
import type { HttpFault } from "./request-fault.ts";

type Identifier = Pick<Broker, "identify">;

/** `b64token` of RFC 6750 §2.1. */
const bearerCredentials = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

export async function authenticate(broker: Identifier, call: Call): Promise<Result<Caller, HttpFault>> {
  const authorization = call.request.header("Authorization");
  if (sendsProof(call, authorization)) return err({ code: "dpop_not_supported" });
  if (authorization === undefined || !/^Bearer /i.test(authorization)) return err({ code: "unauthenticated" });
  const token = bearerCredentials.exec(authorization)?.[1];
  if (token === undefined) return err({ code: "attestation_refused", why: "malformed" });
  return broker.identify({ attestation: new Redacted(token, "attestation"), requestId: call.requestId });
}

export async function authenticateOperator(
  broker: Identifier,
  call: Call,
  rights: readonly OperatorRight[],
): Promise<Result<Caller, HttpFault>> {
  const caller = await authenticate(broker, call);
  if (!caller.ok || rights.some((right) => isOperator(caller.value, right))) return caller;
  return err({ code: "not_found" });
}

/** A proof of possession (RFC 9449 §7.1) by header or by scheme. */
export const sendsProof = (call: Call, authorization: string | undefined): boolean =>
  call.request.header("DPoP") !== undefined || (authorization !== undefined && /^DPoP /i.test(authorization));
