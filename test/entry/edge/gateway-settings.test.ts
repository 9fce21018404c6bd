/** Settings of Workers on a shared Redis: what is taken, what is refused with the variable's name, and no secret in either. */
import { describe, expect, it } from "vitest";
import { parseGatewaySettings } from "../../../src/entry/edge/gateway-settings.ts";

const least = { MAYFLY_ISSUER: "https://broker.example", MAYFLY_LEDGER: "redis://redis.example" };
const canary = "c4nary-secret";

describe("gateway settings: taken", () => {
  it.each<[string, Record<string, string>, object]>([
    ["the least", {}, { mode: "production", gateways: 1, acceptedLoss: null }],
    ["more gateways", { MAYFLY_GATEWAYS: "64" }, { gateways: 64 }],
    ["a loss that is accepted", { MAYFLY_ACCEPT_LOSS: "2" }, { acceptedLoss: 2 }],
    ["any loss", { MAYFLY_ACCEPT_LOSS: "all" }, { acceptedLoss: "all" }],
    [
      "TLS with the runtime's authorities",
      { MAYFLY_LEDGER: "rediss://redis.example:6380" },
      { redis: expect.objectContaining({ access: expect.objectContaining({ tls: { ca: null } }) }) },
    ],
  ])("%s", (_, variables, expected) => {
    expect(parseGatewaySettings({ ...least, ...variables })).toEqual({
      ok: true,
      value: expect.objectContaining(expected),
    });
  });

  it.each<[string, Record<string, string>]>([
    ["a secret of its own", { MAYFLY_LEDGER: "redis://me@redis.example", MAYFLY_LEDGER_PASSWORD: canary }],
    ["the URL, which is a secret then", { MAYFLY_LEDGER: `redis://me:${canary}@redis.example` }],
  ])("a password from %s, redacted", (_, variables) => {
    const parsed = parseGatewaySettings({ ...least, ...variables });
    const access = parsed.ok ? parsed.value.redis.access : null;
    expect([access?.user, access?.password?.reveal()]).toEqual(["me", canary]);
    expect(JSON.stringify(parsed)).not.toContain(canary);
  });
});

describe("gateway settings: refused", () => {
  it.each<[string, Record<string, string>, string, string]>([
    ["no Redis", { MAYFLY_LEDGER: "" }, "MAYFLY_LEDGER", "is missing"],
    ["no Redis URL", { MAYFLY_LEDGER: `https://me:${canary}@x` }, "MAYFLY_LEDGER", "is not a Redis URL"],
    [
      "a password file",
      { MAYFLY_LEDGER: "redis://redis.example?password_file=/run/x" },
      "MAYFLY_LEDGER",
      "names a password file",
    ],
    ["a CA file", { MAYFLY_LEDGER: "rediss://redis.example?ca=/run/ca.pem" }, "MAYFLY_LEDGER", "names a CA file"],
    ["a user alone", { MAYFLY_LEDGER: "redis://me@redis.example" }, "MAYFLY_LEDGER", "without a password"],
    ["no gateway", { MAYFLY_GATEWAYS: "0" }, "MAYFLY_GATEWAYS", "is not a number of gateways"],
    ["too many gateways", { MAYFLY_GATEWAYS: "65" }, "MAYFLY_GATEWAYS", "is not a number of gateways"],
    ["a loss in words", { MAYFLY_ACCEPT_LOSS: "some" }, "MAYFLY_ACCEPT_LOSS", "is not a number of seconds"],
    ["what every Worker refuses", { MAYFLY_ISSUER: "" }, "MAYFLY_ISSUER", "is missing"],
  ])("%s", (_, variables, setting, message) => {
    const parsed = parseGatewaySettings({ ...least, ...variables });
    expect(parsed).toEqual({
      ok: false,
      fault: [{ setting, message: expect.stringContaining(message), fix: expect.any(String) }],
    });
    expect(JSON.stringify(parsed)).not.toContain(canary);
  });

  it("tells all faults at once", () => {
    const parsed = parseGatewaySettings({ MAYFLY_GATEWAYS: "0" });
    expect(parsed.ok ? [] : parsed.fault.map(({ setting }) => setting)).toEqual([
      "MAYFLY_ISSUER",
      "MAYFLY_GATEWAYS",
      "MAYFLY_LEDGER",
    ]);
  });
});
