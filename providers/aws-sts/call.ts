/** What all clients of AWS have in common: nothing of the machine's configuration, no retries, faults as data. */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { AwsFault } from "./aws-fault.ts";
import type { LoginSource } from "./login.ts";
import { AwsFaultError, type Transport } from "./transport.ts";

export interface CallTools {
  readonly endpoint: string;
  readonly region: string;
  readonly transport: Transport;
  /** Absent for calls that are not signed. */
  readonly login?: LoginSource;
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
  authSchemePreference: [],
  sigv4aSigningRegionSet: [region],
  userAgentAppId: "mayfly",
});

async function noLogin(): Promise<never> {
  throw new AwsFaultError({ kind: "no_login", reason: "no_login" });
}

/** What the SDK throws of its own stands for a success that it could not read. */
export async function attempt<T>(
  { login }: Pick<CallTools, "login">,
  send: () => Promise<T>,
): Promise<Result<T, AwsFault>> {
  try {
    return ok(await send());
  } catch (error) {
    const fault: AwsFault = error instanceof AwsFaultError ? error.fault : { kind: "unreadable" };
    login?.noteFault(fault);
    return err(fault);
  }
}
