/** What all clients of AWS have in common: nothing of the machine's configuration, no retries, faults as data. */
import type { AwsFault } from "./aws-fault.ts";
import type { LoginSource } from "./login.ts";
import { AwsFaultError, type Transport } from "./transport.ts";

export interface CallTools {
  readonly endpoint: string;
  readonly region: string;
  readonly transport: Transport;
  /** Absent for calls that are not signed. */
  readonly login?: Pick<LoginSource, "identity">;
}

/** Every setting that the SDK would otherwise look for in the environment or in files is given. */
export const clientConfiguration = ({ endpoint, region, transport, login }: CallTools) => ({
  endpoint,
  region,
  credentials: login === undefined ? noLogin : () => login.identity(),
  requestHandler: transport,
  maxAttempts: 1,
  retryMode: "standard" as const,
  defaultsMode: "standard" as const,
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  userAgentAppId: "mayfly",
});

async function noLogin(): Promise<never> {
  throw new AwsFaultError({ kind: "no_login", reason: "no_login" });
}

/** What the SDK throws of its own stands for a success that it could not read. */
export const faultOf = (error: unknown): AwsFault =>
  error instanceof AwsFaultError ? error.fault : { kind: "unreadable" };
