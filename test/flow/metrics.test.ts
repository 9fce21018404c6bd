/** What a scraper reads: kill times that were observed, gauges that fit the ledger, labels from closed sets. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventuallyTrue } from "../support/flow/eventually.ts";
import { oauthPaths } from "../support/flow/servers.ts";
import { isOnWorkers } from "../support/ledger-kind.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

async function scrape(): Promise<readonly Sample[]> {
  const answer = await world.operate("GET", "/metrics", { as: "viewer" });
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  return answer.text.split("\n").flatMap((line) => {
    const parts = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (parts === null) return [];
    const labels = [...(parts[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    return [
      {
        name: parts[1] ?? "",
        labels: Object.fromEntries(labels.map(([, name = "", value = ""]) => [name, value])),
        value: Number(parts[3]),
      },
    ];
  });
}

const sum = (samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number =>
  samples
    .filter((one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value))
    .reduce((total, { value }) => total + value, 0);

describe("kill times", () => {
  it("the histogram has each kill once, under its provider, within the time that it took", async () => {
    const startedAt = performance.now();
    const task = await world.openTask();
    for (const template of ["ledger-read", "ledger-read", "ledger-read", "other-read", "other-read", "report"])
      await world.issue({ task, template });
    const revoked = await world.issue({ task });
    expect(sum(await scrape(), "mayfly_revocation_latency_seconds_count")).toBe(0);
    await world.send("POST", "/revoke", { form: { token: revoked.token } });
    await eventuallyTrue("it is dead", async () => !(await world.isUsable(revoked.token)));
    await world.end(task);
    const elapsedSeconds = (performance.now() - startedAt) / 1000;

    const samples = await scrape();
    const name = "mayfly_revocation_latency_seconds";
    for (const [provider, count] of [
      ["ledger", 4],
      ["other-ledger", 2],
      ["own", 1],
    ] as const) {
      expect(sum(samples, `${name}_count`, { provider })).toBe(count);
      expect(sum(samples, `${name}_bucket`, { provider, le: "+Inf" })).toBe(count);
      expect(sum(samples, `${name}_sum`, { provider })).toBeLessThan(elapsedSeconds * count);
      const buckets = samples.filter((one) => one.name === `${name}_bucket` && one.labels["provider"] === provider);
      const counts = buckets.map(({ value }) => value);
      expect(counts).toEqual(counts.toSorted((left, right) => left - right));
    }
    expect(sum(samples, `${name}_sum`, { provider: "ledger" })).toBeGreaterThan(0);
    const ended = "mayfly_revocations_total";
    expect(sum(samples, ended, { cause: "task_ended", outcome: "dead-verified" })).toBe(5);
    expect(sum(samples, ended, { cause: "task_ended", outcome: "dead-unverified" })).toBe(1);
    expect(sum(samples, ended, { cause: "requested", outcome: "dead-verified" })).toBe(1);
    expect(sum(samples, ended)).toBe(7);
    expect(sum(samples, "mayfly_leases_issued_total")).toBe(7);
  });
});

describe("gauges", () => {
  it("say what the ledger says, also right after a restart", async () => {
    const before = await scrape();
    const [task, second] = [await world.openTask(), await world.openTask()];
    for (const one of [task, task, second]) await world.issue({ task: one, template: "report" });
    const check = async (): Promise<void> => {
      const samples = await scrape();
      const { counts } = (await world.operate("GET", "/readyz")).body;
      expect(sum(samples, "mayfly_tasks_active")).toBe(sum(before, "mayfly_tasks_active") + 2);
      expect(sum(samples, "mayfly_leases_active")).toBe(sum(before, "mayfly_leases_active") + 3);
      expect([sum(samples, "mayfly_tasks_active"), sum(samples, "mayfly_leases_active")]).toEqual([
        counts?.open_tasks,
        counts?.live_leases,
      ]);
      expect(sum(samples, "mayfly_issuing")).toBe(1);
    };
    await check();
    await world.restart();
    await check();
    await world.end(task);
    await world.end(second);
    expect(sum(await scrape(), "mayfly_leases_active")).toBe(sum(before, "mayfly_leases_active"));
  });

  it("of a target that is down: what waits there, since when, and its breaker", async () => {
    const task = await world.openTask();
    for (let count = 0; count < 6; count += 1) await world.issue({ task });
    for (const path of [oauthPaths.revocation, oauthPaths.introspection])
      world.servers.proxy.breakPath(path, { kind: "reset_before" });
    await world.end(task, { waitSeconds: 1 });
    const target = { target: "ledger" };
    await eventuallyTrue("the breaker is shown", async () => sum(await scrape(), "mayfly_breaker_open", target) === 1);
    await eventuallyTrue("a queue is shown", async () => {
      const samples = await scrape();
      const waits = sum(samples, "mayfly_revocation_oldest_seconds", target);
      return sum(samples, "mayfly_revocation_queue_depth", target) > 0 && waits > 0;
    });
    expect(sum(await scrape(), "mayfly_breaker_open", { target: "other-ledger" })).toBe(0);
    expect(sum(await scrape(), "mayfly_revocation_retries_total", target)).toBeGreaterThanOrEqual(5);
    expect(sum(await scrape(), "mayfly_revocation_retries_total", { target: "other-ledger" })).toBe(0);
    world.servers.proxy.heal();
    await eventuallyTrue("all is quiet again", async () => {
      const samples = await scrape();
      return sum(samples, "mayfly_breaker_open") === 0 && sum(samples, "mayfly_revocation_queue_depth") === 0;
    });
  });
});

describe("labels", () => {
  it("come from closed sets, whatever callers send", async () => {
    const junk = "junk-1234567890";
    await world.send("GET", `/${junk}`);
    await world.send("GET", `/tasks/${junk}`, { as: "bot" });
    await world.send("PUT", "/token");
    await world.exchange({ template: junk });
    await world.exchange({ attestation: junk });
    await world.exchange({ as: "stranger" });
    await world.exchange({ template: "report", more: { client_id: junk } });

    const samples = await scrape();
    const [open, admin] = await Promise.all([
      world.send("GET", "/openapi.json"),
      world.operate("GET", "/openapi.json"),
    ]);
    const routes = [open, admin].flatMap(({ text }) => {
      const { paths } = JSON.parse(text) as { paths: Record<string, object> };
      return Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      );
    });
    const providers = ["ledger", "other-ledger", "own"];
    const closed: Readonly<Record<string, RegExp | readonly string[]>> = {
      route: [...routes, "other"],
      status_class: ["2xx", "4xx", "5xx"],
      provider: providers,
      target: providers,
      outcome: ["minted", "rejected", "unknown", "dead-verified", "dead-unverified", "already-gone", "expired"],
      cause: ["task_ended", "requested", "expiry", "undelivered", "outcome_unknown"],
      effect: ["refused"],
      reason: /^[a-z_]+$/,
      shard: isOnWorkers ? /^[0-9]$/ : [],
      le: /^(?:[0-9.]+|\+Inf)$/,
    };
    expect(sum(samples, "mayfly_attestation_failures_total")).toBeGreaterThan(0);
    const outside = samples.flatMap(({ name, labels }) =>
      Object.entries(labels)
        .filter(([label, value]) => {
          const allowed = closed[label] ?? [];
          return allowed instanceof RegExp ? !allowed.test(value) : !allowed.includes(value);
        })
        .map(([label, value]) => `${name}{${label}="${value}"}`),
    );
    expect(outside).toEqual([]);
    expect(JSON.stringify(samples)).not.toMatch(/junk|tsk_|lea_|req_/);
  });

  it("every metric says what it means", async () => {
    const { text } = await world.operate("GET", "/metrics", { as: "viewer" });
    const help = [...text.matchAll(/^# HELP (\w+) (.*)$/gm)].map(([, name = "", words = ""]) => [name, words]);
    expect(help.length).toBeGreaterThan(8);
    expect(help.filter(([name, words]) => name === words)).toEqual([]);
  });
});
