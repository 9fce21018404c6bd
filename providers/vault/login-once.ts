/**
 * One login at a time, however many want one. A failure is remembered for a while that doubles, so that a wrong secret
 * does not lock the broker's account out at the server.
 */
import { err, type Result } from "../../src/kernel/result.ts";
import type { EpochMillis } from "../../src/kernel/time.ts";
import type { BrokerToken, Login, LoginFault } from "./login.ts";

export interface LoginOnce {
  enter(): Promise<Result<BrokerToken, LoginFault>>;
  /** Until a login is tried again. */
  pauseMillis(): number;
}

const firstPauseMillis = 1_000;
const longestPauseMillis = 60_000;

export function createLoginOnce(login: Pick<Login, "enter">, now: () => EpochMillis): LoginOnce {
  let failed: { fault: LoginFault; at: EpochMillis; pauseMillis: number } | undefined;
  let underWay: Promise<Result<BrokerToken, LoginFault>> | undefined;

  const pauseMillis = (): number =>
    failed === undefined ? 0 : Math.max(0, failed.pauseMillis - Math.abs(now() - failed.at));

  async function enter(): Promise<Result<BrokerToken, LoginFault>> {
    const entered = await login.enter();
    const pause = Math.min(longestPauseMillis, 2 * (failed?.pauseMillis ?? firstPauseMillis / 2));
    failed = entered.ok ? undefined : { fault: entered.fault, at: now(), pauseMillis: pause };
    return entered;
  }

  return {
    pauseMillis,
    enter() {
      if (failed !== undefined && pauseMillis() > 0) return Promise.resolve(err(failed.fault));
      return (underWay ??= enter().finally(() => (underWay = undefined)));
    },
  };
}
