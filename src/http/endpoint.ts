/**
 * One endpoint as data: how it is reached, who may call it, what it takes and answers, and the handler. The app, the
 * OpenAPI document and the tests read the same table, so an endpoint cannot be served undocumented or unguarded.
 */
import type { HonoRequest } from "hono";
import type * as z from "zod";
import type { Caller } from "../broker/parts.ts";
import type { RequestId } from "../kernel/ids.ts";
import type { Result } from "../kernel/result.ts";
import type { OperatorRight } from "../policy/resources.ts";
import type { HttpFault } from "./request-fault.ts";
import type { Answer, FaultShape } from "./respond.ts";

export interface Call {
  readonly requestId: RequestId;
  readonly request: HonoRequest;
}

export type Handled = Promise<Result<Answer, HttpFault>>;

export type Endpoint = OpenEndpoint | AttestedEndpoint | OperatorEndpoint;

interface EndpointFacts {
  readonly method: "get" | "post" | "delete";
  /** As OpenAPI writes it: `/tasks/{id}`. */
  readonly path: string;
  readonly operation: string;
  readonly summary: string;
  readonly shape: FaultShape;
  readonly form?: z.ZodType;
  readonly json?: z.ZodType;
  /** Path and query parameters and headers of interest, with what they mean. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<number, AnswerFacts>>;
}

export interface AnswerFacts {
  readonly description: string;
  /** Absent where the answer has no body. */
  readonly schema?: z.ZodType;
  /** Absent for JSON. */
  readonly type?: string;
  /** What each line is, where the caller may ask for lines. */
  readonly line?: z.ZodType;
}

/** Anyone who reaches the listener; what the request carries decides. */
interface OpenEndpoint extends EndpointFacts {
  readonly access: "anyone";
  handle(call: Call): Handled;
}

/** An attestation as Bearer token (RFC 6750 §2.1) of a registered agent, whatever its role. */
interface AttestedEndpoint extends EndpointFacts {
  readonly access: "attested";
  handle(call: Call, caller: Caller): Handled;
}

/** The same, of an operator with one of these rights; everyone else is told that the path does not exist. */
interface OperatorEndpoint extends EndpointFacts {
  readonly access: { readonly operatorMay: readonly OperatorRight[] };
  handle(call: Call, caller: Caller): Handled;
}
