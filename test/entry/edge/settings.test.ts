/** Settings from a Worker's variables: what is taken, and what is refused with the variable's name. */
import { describe, expect, it } from "vitest";
import { parseEdgeSettings, textsOf } from "../../../src/entry/edge/settings.ts";

const least = { MAYFLY_ISSUER: "https://broker.example" };

describe("edge settings: taken", () => {
  it.each<[string, Record<string, string>, object]>([
    ["the least", {}, { mode: "production", shards: 1, adminHost: null, logLevel: "info" }],
    [
      "a trailing slash is dropped",
      { MAYFLY_ISSUER: "https://broker.example/" },
      { issuerUrl: "https://broker.example" },
    ],
    ["all homes", { MAYFLY_SHARDS: "1024" }, { shards: 1024 }],
    ["an admin host", { MAYFLY_ADMIN_HOST: "admin.broker.example" }, { adminHost: "admin.broker.example" }],
    ["with a port", { MAYFLY_ADMIN_HOST: "127.0.0.1:8788" }, { adminHost: "127.0.0.1:8788" }],
    ["a log level", { MAYFLY_LOG_LEVEL: "silent" }, { logLevel: "silent" }],
    [
      "plain http in development",
      { MAYFLY_DEVELOPMENT: "1", MAYFLY_ISSUER: "http://127.0.0.1:8787" },
      { mode: "development", issuerUrl: "http://127.0.0.1:8787" },
    ],
  ])("%s", (_, variables, expected) => {
    expect(parseEdgeSettings({ ...least, ...variables })).toEqual({
      ok: true,
      value: expect.objectContaining(expected),
    });
  });
});

describe("edge settings: refused", () => {
  it.each<[string, Record<string, string>, string, string]>([
    ["no issuer", { MAYFLY_ISSUER: "" }, "MAYFLY_ISSUER", "is missing"],
    ["plain http", { MAYFLY_ISSUER: "http://broker.example" }, "MAYFLY_ISSUER", "is plain http"],
    ["no URL", { MAYFLY_ISSUER: "broker.example" }, "MAYFLY_ISSUER", "is not an issuer URL"],
    ["no shard", { MAYFLY_SHARDS: "0" }, "MAYFLY_SHARDS", "is not a number of shards"],
    ["more shards than homes", { MAYFLY_SHARDS: "1025" }, "MAYFLY_SHARDS", "is not a number of shards"],
    ["shards in words", { MAYFLY_SHARDS: "many" }, "MAYFLY_SHARDS", "is not a number of shards"],
    ["an admin URL", { MAYFLY_ADMIN_HOST: "https://a.example" }, "MAYFLY_ADMIN_HOST", "is not a host"],
    ["an admin path", { MAYFLY_ADMIN_HOST: "a.example/admin" }, "MAYFLY_ADMIN_HOST", "is not a host"],
    ["capitals, which no request's host has", { MAYFLY_ADMIN_HOST: "A.example" }, "MAYFLY_ADMIN_HOST", "is not a host"],
    ["the agents' host", { MAYFLY_ADMIN_HOST: "broker.example" }, "MAYFLY_ADMIN_HOST", "is the host of MAYFLY_ISSUER"],
    ["an unknown level", { MAYFLY_LOG_LEVEL: "loud" }, "MAYFLY_LOG_LEVEL", "is not a level"],
  ])("%s", (_, variables, setting, message) => {
    const parsed = parseEdgeSettings({ ...least, ...variables });
    expect(parsed).toEqual({
      ok: false,
      fault: [{ setting, message: expect.stringContaining(message), fix: expect.any(String) }],
    });
  });

  it("tells all faults at once", () => {
    const parsed = parseEdgeSettings({ MAYFLY_SHARDS: "0", MAYFLY_LOG_LEVEL: "loud" });
    expect(parsed.ok ? [] : parsed.fault.map(({ setting }) => setting)).toEqual([
      "MAYFLY_ISSUER",
      "MAYFLY_LOG_LEVEL",
      "MAYFLY_SHARDS",
    ]);
  });
});

it("of a Worker's bindings only texts are settings", () => {
  expect(textsOf({ A: "text", BROKER: { idFromName: () => "" }, BUCKET: {}, N: 1 })).toEqual({ A: "text" });
});
