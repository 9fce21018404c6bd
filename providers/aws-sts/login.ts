/**
 * The broker's own credential for calls to AWS: keys, or a session for which a token is exchanged, renewed before it ends
 * and once AWS calls it expired. No chain of guesses: nothing is taken from the machine's files, its metadata service
 * or the environment but what the options name.
 */
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { Redacted } from "../../src/kernel/redacted.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { EpochMillis } from "../../src/kernel/time.ts";
import type { ProviderTools } from "../../src/ports/provider.ts";
import type { AwsFault } from "./aws-fault.ts";
import type { BrokerToken } from "./broker-token.ts";
import type { Login } from "./options.ts";
import type { TokenExchange } from "./sts.ts";
import { AwsFaultError } from "./transport.ts";

/** As the SDK takes it. */
export interface AwsIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export interface LoginSource {
  /** For the SDK, which asks before each request. Throws only `AwsFaultError`. */
  identity(): Promise<AwsIdentity>;
  /** Of a call that it signed: where AWS calls it expired or unknown, the next call gets another. */
  noteFault(fault: AwsFault): void;
}

/** Renewed this long before its end, so that no request is under way when it ends. */
const renewAheadMillis = 300_000;
/** What the SDK, which believes a credential to its end, is told at most. */
const believedMillis = 330_000;

interface Tools extends Pick<ProviderTools, "resolveSecret" | "now"> {
  readonly exchange: TokenExchange;
  readonly brokerToken: BrokerToken;
  /** For CloudTrail. */
  readonly sessionName: string;
}

export async function createLogin(login: Login, tools: Tools): Promise<Result<LoginSource, ScopeFault>> {
  if (login.kind === "keys") return keyLogin(login, tools);
  if (login.kind === "broker_token") return ok(tokenLogin(login.role ?? "", () => tools.brokerToken.sign([]), tools));
  const token = await tools.resolveSecret(login.file);
  if (!token.ok) return err({ path: "tokenFile", message: token.fault });
  return ok(tokenLogin(login.role, async () => token.value, tools));
}

async function keyLogin(
  login: Extract<Login, { kind: "keys" }>,
  tools: Pick<Tools, "resolveSecret">,
): Promise<Result<LoginSource, ScopeFault>> {
  const read = async (path: string, reference: Parameters<Tools["resolveSecret"]>[0]) => {
    const secret = await tools.resolveSecret(reference);
    return secret.ok ? secret : err({ path, message: secret.fault });
  };
  const accessKeyId = await read("accessKeyId", login.accessKeyId);
  if (!accessKeyId.ok) return accessKeyId;
  const secretAccessKey = await read("secretAccessKey", login.secretAccessKey);
  if (!secretAccessKey.ok) return secretAccessKey;
  const sessionToken = login.sessionToken === null ? ok(null) : await read("sessionToken", login.sessionToken);
  if (!sessionToken.ok) return sessionToken;
  const identity: AwsIdentity = {
    accessKeyId: accessKeyId.value.reveal(),
    secretAccessKey: secretAccessKey.value.reveal(),
    ...(sessionToken.value === null ? {} : { sessionToken: sessionToken.value.reveal() }),
  };
  return ok({ identity: async () => identity, noteFault: () => undefined });
}

function tokenLogin(role: string, token: () => Promise<Redacted>, tools: Tools): LoginSource {
  let known: { readonly identity: AwsIdentity; readonly expiresAt: EpochMillis } | undefined;
  let underWay: Promise<AwsIdentity> | undefined;

  async function renew(): Promise<AwsIdentity> {
    const session = await tools.exchange({ role, sessionName: tools.sessionName, token: await token() });
    if (!session.ok) throw new AwsFaultError(loginFault(session.fault));
    known = session.value;
    return believed(known.identity);
  }
  const believed = (identity: AwsIdentity): AwsIdentity => ({
    ...identity,
    expiration: new Date(tools.now() + believedMillis),
  });

  return {
    noteFault(fault) {
      const isOver = fault.kind === "answered" && (fault.code === "login_expired" || fault.code === "login_refused");
      if (isOver) known = undefined;
    },
    identity() {
      if (known !== undefined && tools.now() < known.expiresAt - renewAheadMillis)
        return Promise.resolve(believed(known.identity));
      underWay ??= renew().finally(() => (underWay = undefined));
      return underWay;
    },
  };
}

/** Nothing was sent of what the login is for. A refusal of the login itself is told as it is: a person must mend it. */
const loginFault = (fault: AwsFault): AwsFault =>
  fault.kind === "answered" && fault.status < 500 ? fault : { kind: "no_login", reason: "login_unavailable" };
