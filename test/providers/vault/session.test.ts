/** The broker's own login over virtual time: prolonged, made anew at its maximum, shared, cooled down, and closed. */
import { describe, expect, it } from "vitest";
import type { BrokerToken, Login, LoginFault } from "../../../providers/vault/login.ts";
import { createSession } from "../../../providers/vault/session.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";
import { err, ok, type Result } from "../../../src/kernel/result.ts";
import { addMillis, epochMillis, millis } from "../../../src/kernel/time.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const start = epochMillis(Date.UTC(2026, 10, 22, 10));

/** A server that gives tokens of `lifeSeconds`, at most `maxSeconds` after their login. */
function openServer(wish: { lifeSeconds: number; maxSeconds?: number; renewable?: boolean }) {
  const clock = createManualClock(start);
  const { lifeSeconds, maxSeconds = 1e9, renewable = true } = wish;
  const seen = { logins: 0, renewals: 0 };
  let fault: LoginFault | undefined;
  let enteredAt = start;
  const give = (): Result<BrokerToken, LoginFault> => {
    if (fault !== undefined) return err(fault);
    const obtainedAt = clock.now();
    const left = Math.min(lifeSeconds * 1000, enteredAt + maxSeconds * 1000 - obtainedAt);
    const value = new Redacted(`token ${seen.logins}`, "broker token");
    return ok({ value, obtainedAt, endsAt: addMillis(obtainedAt, left), renewable });
  };
  const login: Login = {
    async enter() {
      seen.logins += 1;
      enteredAt = clock.now();
      return give();
    },
    async renew() {
      seen.renewals += 1;
      return give();
    },
  };
  const session = createSession(login, {
    now: () => clock.now(),
    after: (delay, callback) => clock.after(delay, callback),
  });
  return {
    session,
    seen,
    clock,
    fail: (reason: string | undefined) => {
      fault = reason === undefined ? undefined : { reason, passing: true };
    },
    /** A second at a time, with whatever is due and what follows of it. */
    pass: async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        clock.advance(millis(1000));
        for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
      }
    },
  };
}

describe("vault session", () => {
  it("asks nothing before it is needed, and then once for all", async () => {
    const { session, seen } = openServer({ lifeSeconds: 60 });
    expect(seen.logins).toBe(0);
    const tokens = await Promise.all(Array.from({ length: 8 }, () => session.token()));
    expect(seen.logins).toBe(1);
    expect(new Set(tokens.map((token) => (token.ok ? token.value : undefined))).size).toBe(1);
  });

  it("is prolonged by itself while nobody asks", async () => {
    const { session, seen, pass } = openServer({ lifeSeconds: 60 });
    await session.token();
    await pass(600);
    expect(seen.logins).toBe(1);
    expect(seen.renewals).toBeGreaterThanOrEqual(10);
    expect((await session.token()).ok).toBe(true);
    expect(seen.logins).toBe(1);
  });

  it("logs in anew where its maximum is near, so that no token in use ever ends", async () => {
    const { session, seen, pass, clock } = openServer({ lifeSeconds: 60, maxSeconds: 150 });
    for (let minute = 0; minute < 20; minute += 1) {
      expect((await session.token()).ok).toBe(true);
      await pass(30);
    }
    expect(seen.logins).toBeGreaterThanOrEqual(4);
    expect(seen.logins).toBeLessThanOrEqual(9);
    expect(clock.now()).toBe(addMillis(start, 600_000));
  });

  it("logs in anew where a token cannot be prolonged", async () => {
    const { session, seen, pass } = openServer({ lifeSeconds: 60, renewable: false });
    await session.token();
    await pass(200);
    expect(seen).toEqual({ logins: 6, renewals: 0 });
  });

  it("uses the token that is still good while the server is away, and comes back by itself", async () => {
    const { session, pass, fail } = openServer({ lifeSeconds: 60 });
    await session.token();
    fail("login_reset");
    await pass(50);
    expect((await session.token()).ok).toBe(true);
    await pass(20);
    expect(await session.token()).toMatchObject({ ok: false, fault: { reason: "login_reset" } });
    fail(undefined);
    await pass(60);
    expect((await session.token()).ok).toBe(true);
  });

  it("does not hammer: what failed is tried again after a pause that doubles", async () => {
    const { session, seen, pass, fail } = openServer({ lifeSeconds: 60 });
    fail("login_status_400");
    for (let second = 0; second < 120; second += 1) {
      expect((await session.token()).ok).toBe(false);
      await pass(1);
    }
    expect(seen.logins).toBe(7);
  });

  it("gives another token for one that the server does not know any more", async () => {
    const { session, seen } = openServer({ lifeSeconds: 60 });
    const first = await session.token();
    if (first.ok) session.distrust(first.value);
    const second = await session.token();
    expect(seen.logins).toBe(2);
    expect(second.ok && first.ok && second.value === first.value).toBe(false);
    if (first.ok) session.distrust(first.value);
    expect(await session.token()).toEqual(second);
  });

  it("leaves no timer behind when it is closed, also in the midst of a login", async () => {
    const { session, seen, pass } = openServer({ lifeSeconds: 60 });
    const entering = session.token();
    session.close();
    expect((await entering).ok).toBe(true);
    await pass(600);
    expect(seen).toEqual({ logins: 1, renewals: 0 });
  });
});
