/**
 * The broker's own token at the server: prolonged at two thirds of its life, and made anew where prolonging brings
 * nothing more, because its maximum is near. While that fails, the one that is still good is used. `close` leaves no
 * timer behind.
 */
import type { Cancel, Clock } from "../../src/kernel/clock.ts";
import type { Redacted } from "../../src/kernel/redacted.ts";
import { ok, type Result } from "../../src/kernel/result.ts";
import { millis, millisBetween, type EpochMillis } from "../../src/kernel/time.ts";
import { createLoginOnce } from "./login-once.ts";
import type { BrokerToken, Login, LoginFault } from "./login.ts";

export interface Session {
  /** A token that should be good now. */
  token(): Promise<Result<Redacted, LoginFault>>;
  /** The server does not know it any more: the next `token` is another one, where there can be another. */
  distrust(token: Redacted): void;
  close(): void;
}

const shortestPauseMillis = 1_000;
/** Of a token's last seconds: a request that starts now must still find it alive. */
const marginMillis = 2_000;

export function createSession(login: Login, tools: { now: () => EpochMillis; after: Clock["after"] }): Session {
  const { now, after } = tools;
  const once = createLoginOnce(login, now);
  let current: BrokerToken | undefined;
  let cancel: Cancel | undefined;
  let isClosed = false;

  function schedule(delayMillis: number): void {
    cancel?.();
    if (!isClosed) cancel = after(millis(Math.max(shortestPauseMillis, delayMillis)), () => void refresh());
  }

  function keep(token: BrokerToken): void {
    current = token;
    const life = lifeMillis(token);
    if (life !== null) schedule((life * 2) / 3);
  }

  async function enter(): Promise<Result<BrokerToken, LoginFault>> {
    const entered = await once.enter();
    if (entered.ok && current !== entered.value) keep(entered.value);
    return entered;
  }

  async function refresh(): Promise<void> {
    const held = current;
    if (held?.renewable === true) {
      const renewed = await login.renew(held);
      if (renewed.ok && current === held && isProlonged(renewed.value, held)) return keep(renewed.value);
    }
    const entered = await enter();
    if (!entered.ok && current !== undefined && isGood(current, now())) schedule(once.pauseMillis());
  }

  return {
    async token() {
      if (current !== undefined && isGood(current, now())) return ok(current.value);
      const entered = await enter();
      return entered.ok ? ok(entered.value.value) : entered;
    },
    distrust(token) {
      if (current?.value === token) current = undefined;
    },
    close() {
      isClosed = true;
      cancel?.();
    },
  };
}

const lifeMillis = ({ obtainedAt, endsAt }: BrokerToken): number | null =>
  endsAt === null ? null : millisBetween(obtainedAt, endsAt);

function isGood({ obtainedAt, endsAt }: BrokerToken, now: EpochMillis): boolean {
  if (endsAt === null) return true;
  return now >= obtainedAt && now < endsAt - Math.min(marginMillis, millisBetween(obtainedAt, endsAt) / 4);
}

/** It got most of its first life again; less means that its maximum is near. */
function isProlonged(renewed: BrokerToken, held: BrokerToken): boolean {
  const [now, before] = [lifeMillis(renewed), lifeMillis(held)];
  return now === null || before === null || now > before / 2;
}
