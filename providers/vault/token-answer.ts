/**
 * Reads what came of a token's creation: the token with its accessor, or a wrapping token with both accessors. What is
 * missing makes it unreadable; a token that nobody can name may live then.
 */
import { Redacted } from "../../src/kernel/redacted.ts";
import { membersOf, numberOf, textOf, textsOf, type Members } from "./answers.ts";

export interface MadeToken {
  readonly accessor: string;
  readonly lifetimeSeconds: number;
  /** Null where the answer is wrapped: then the server is asked. */
  readonly policies: readonly string[] | null;
  readonly isOrphan: boolean | null;
  readonly delivered: Delivered;
}

export type Delivered =
  | { readonly kind: "token"; readonly token: Redacted }
  | { readonly kind: "wrapped"; readonly token: Redacted; readonly accessor: string; readonly ttlSeconds: number };

const maxTokenLength = 4096;
const printable = /^[\u0021-\u007e]+$/;

const tokenOf = (members: Members, name: string): Redacted | undefined => {
  const text = textOf(members, name);
  return text !== undefined && text.length <= maxTokenLength && printable.test(text)
    ? new Redacted(text, "vault token")
    : undefined;
};

export function readMadeToken(body: Members | null, askedSeconds: number): MadeToken | undefined {
  const wrap = membersOf(body, "wrap_info");
  if (textOf(wrap, "token") !== undefined) return readWrapped(wrap, askedSeconds);
  const auth = membersOf(body, "auth");
  const token = tokenOf(auth, "client_token");
  const accessor = textOf(auth, "accessor");
  const lifetimeSeconds = numberOf(auth, "lease_duration");
  // A batch token has no accessor, and nobody can revoke it.
  if (token === undefined || accessor === undefined || lifetimeSeconds === undefined) return undefined;
  return {
    accessor,
    lifetimeSeconds,
    policies: textsOf(auth, "policies"),
    isOrphan: auth["orphan"] === true,
    delivered: { kind: "token", token },
  };
}

function readWrapped(wrap: Members, askedSeconds: number): MadeToken | undefined {
  const token = tokenOf(wrap, "token");
  const accessor = textOf(wrap, "wrapped_accessor");
  const wrapping = textOf(wrap, "accessor");
  const ttlSeconds = numberOf(wrap, "ttl");
  if (token === undefined || accessor === undefined || wrapping === undefined || ttlSeconds === undefined)
    return undefined;
  return {
    accessor,
    lifetimeSeconds: askedSeconds,
    policies: null,
    isOrphan: null,
    delivered: { kind: "wrapped", token, accessor: wrapping, ttlSeconds },
  };
}
