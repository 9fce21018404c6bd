/** The compose file for three nodes: its YAML is sound, and the broker takes what it sets, in production. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { parseServeOptions } from "../../src/entry/config.ts";

const service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.string()),
  restart: z.literal("always"),
});
const file = z.looseObject({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
});
const text = readFileSync(new URL("../../scripts/compose.yaml", import.meta.url), "utf8");
const { services, secrets, volumes } = file.parse(parse(text, { merge: true }));
const brokers = Object.entries(services).filter(([name]) => name !== "redis");

describe("the compose file", () => {
  it("starts one broker that answers and two that kill", () => {
    const roles = brokers.map(([name, { environment }]) => [name, environment["MAYFLY_ROLE"]]);
    expect(roles).toEqual([
      ["api", "api"],
      ["worker-1", "worker"],
      ["worker-2", "worker"],
    ]);
  });

  it.each(brokers)("gives %s settings that production takes", (_, { environment, command }) => {
    expect(command.at(-1)).toBe("serve");
    const options = parseServeOptions({}, environment);
    expect(options).toMatchObject({ ok: true, value: { mode: "production", ledger: { kind: "redis" } } });
    const misspelt = parseServeOptions({}, { ...environment, MAYFLY_LEDGER: "redis:" });
    expect(misspelt.ok).toBe(false);
  });

  it("runs a Redis that keeps what it answered and evicts nothing", () => {
    const { command } = services["redis"] ?? { command: [] };
    const settings = command.slice(1);
    const told = Object.fromEntries(settings.flatMap((name, at) => (at % 2 === 0 ? [[name, settings[at + 1]]] : [])));
    expect(told).toMatchObject({
      "--appendonly": "yes",
      "--appendfsync": "always",
      "--maxmemory-policy": "noeviction",
    });
  });

  it("names no secret and no volume that it does not declare", () => {
    const used = Object.values(services).flatMap((one) => one.secrets);
    expect(new Set(used)).toEqual(new Set(Object.keys(secrets)));
    expect(Object.keys(volumes)).toEqual(["ledger"]);
  });
});
