/**
 * Sessions of the broker's own at the server. What a statement came to is one of three: rows, the server's refusal by
 * its SQLSTATE, or nothing known. Errors of the client library stay in this file: they carry third-party text.
 */
import { Client, DatabaseError, Pool, type ClientBase, type ClientConfig } from "pg";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { Redacted } from "../../src/kernel/redacted.ts";
import type { Address } from "./options.ts";

export type Row = Readonly<Record<string, unknown>>;

export type DatabaseFault =
  /** The server rolled the statement back and said why (appendix A of its documentation). */
  | { readonly kind: "refused"; readonly sqlState: string }
  /** No session could be had: nothing was sent. */
  | { readonly kind: "no_session"; readonly why: NoSession }
  /** It was sent, and what became of it is not known. */
  | { readonly kind: "lost" };

export type NoSession = "unreachable" | "login_refused" | "no_such_database" | "no_tls" | "certificate_refused";

export interface Session {
  /** Several statements without values are one transaction (PostgreSQL 55.2.2.1); the rows are the last one's. */
  ask(sql: string, values?: readonly unknown[]): Promise<Result<readonly Row[], DatabaseFault>>;
}

export interface Database {
  /** `database`: another one than the configured. The session ends with `signal`, whatever the server does. */
  session<T, F = never>(
    signal: AbortSignal,
    work: (session: Session) => Promise<Result<T, F | DatabaseFault>>,
    database?: string,
  ): Promise<Result<T, F | DatabaseFault>>;
  close(): Promise<void>;
}

const connectMillis = 4_000;
/** The server gives up by itself before the broker does, so that nothing lands after it was given up here. */
const statementMillis = 4_000;
const lockMillis = 3_000;
const maxSessions = 8;
const idleMillis = 30_000;

export function openDatabase(address: Address, ca: Redacted | undefined): Database {
  const config = configOf(address, ca);
  const pool = new Pool({ ...config, max: maxSessions, idleTimeoutMillis: idleMillis, allowExitOnIdle: true });
  // A session that breaks is told of by the statement that it held, or replaced by the next use.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return {
    async session(signal, work, database) {
      if (signal.aborted) return err(unreachable);
      const isOther = database !== undefined && database !== address.database;
      const lent = isOther ? await connectOnce({ ...config, database }) : await borrow(pool);
      return lent.ok ? useSession(lent.value, signal, work) : lent;
    },
    close: () => pool.end(),
  };
}

interface Lent {
  readonly client: ClientBase;
  /** Once; a session in the middle of something is never used again. */
  readonly giveBack: (isBroken: boolean) => void;
}

async function borrow(pool: Pool): Promise<Result<Lent, DatabaseFault>> {
  try {
    const client = await pool.connect();
    return ok({ client, giveBack: (isBroken) => client.release(isBroken) });
  } catch (error) {
    return err(connectFault(error));
  }
}

async function connectOnce(config: ClientConfig): Promise<Result<Lent, DatabaseFault>> {
  const client = new Client(config);
  client.on("error", () => undefined);
  const end = (): void => void client.end().catch(() => undefined);
  try {
    await client.connect();
    return ok({ client, giveBack: end });
  } catch (error) {
    end();
    return err(connectFault(error));
  }
}

const unreachable = { kind: "no_session", why: "unreachable" } as const;

const connectFault = (error: unknown): DatabaseFault => ({ kind: "no_session", why: whyNoSession(error) });

/** Class 28 is the server's word that it knows the broker's login no more. */
function whyNoSession(error: unknown): NoSession {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (error instanceof DatabaseError) {
    if (code.startsWith("28")) return "login_refused";
    return code === "3D000" ? "no_such_database" : "unreachable";
  }
  // The names of OpenSSL's verification faults, and of Node's own for the host's name.
  if (/^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/.test(code)) return "certificate_refused";
  // The client library has no code for it.
  const isWithoutTls = error instanceof Error && error.message === "The server does not support SSL connections";
  return isWithoutTls ? "no_tls" : "unreachable";
}

async function useSession<T, F>(
  { client, giveBack }: Lent,
  signal: AbortSignal,
  work: (session: Session) => Promise<Result<T, F | DatabaseFault>>,
): Promise<Result<T, F | DatabaseFault>> {
  let isBroken = false;
  let isBack = false;
  const leave = (): void => {
    if (!isBack) giveBack(isBroken);
    isBack = true;
  };
  const abort = (): void => {
    isBroken = true;
    leave();
  };
  const session: Session = {
    async ask(sql, values) {
      if (isBack) return err(unreachable);
      const answer = await ask(client, sql, values);
      if (!answer.ok && answer.fault.kind === "lost") isBroken = true;
      return answer;
    },
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await work(session);
  } finally {
    signal.removeEventListener("abort", abort);
    leave();
  }
}

async function ask(
  client: ClientBase,
  sql: string,
  values: readonly unknown[] | undefined,
): Promise<Result<readonly Row[], DatabaseFault>> {
  try {
    const answer: unknown = values === undefined ? await client.query(sql) : await client.query(sql, [...values]);
    return ok(rowsOf(Array.isArray(answer) ? answer.at(-1) : answer));
  } catch (error) {
    return err(faultOf(error));
  }
}

const rowsOf = (answer: unknown): readonly Row[] =>
  typeof answer === "object" && answer !== null && "rows" in answer && Array.isArray(answer.rows)
    ? (answer.rows as readonly Row[])
    : [];

/** A session that the server ends on its own may have done its work: only an ordinary error is a refusal. */
function faultOf(error: unknown): DatabaseFault {
  const isAnswer = error instanceof DatabaseError && error.severity === "ERROR" && error.code !== undefined;
  return isAnswer ? { kind: "refused", sqlState: error.code ?? "" } : { kind: "lost" };
}

const configOf = ({ password, tls, ...address }: Address, ca: Redacted | undefined): ClientConfig => ({
  ...address,
  password: () => password.reveal(),
  ssl: tls ? { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca: ca.reveal() }) } : false,
  application_name: "mayfly",
  connectionTimeoutMillis: connectMillis,
  statement_timeout: statementMillis,
  lock_timeout: lockMillis,
  idle_in_transaction_session_timeout: statementMillis,
});
