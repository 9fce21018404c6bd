/** Metrics of objects that come and go, against the registry of Node. */
import { describe, expect, it } from "vitest";
import { createEdgeMetrics } from "../../../src/entry/edge/edge-metrics.ts";
import { renderMetrics } from "../../../src/entry/edge/render-metrics.ts";
import { createNodeMetrics } from "../../../src/entry/node-metrics.ts";
import type { Metrics } from "../../../src/ports/metrics.ts";

function observe(metrics: Metrics): void {
  metrics.count("mayfly_leases_issued_total", { provider: "ledger" });
  metrics.count("mayfly_leases_issued_total", { provider: "ledger" }, 4);
  metrics.count("mayfly_leases_issued_total", { provider: 'odd "one"\\with\nlines' });
  metrics.count("mayfly_decisions_total", { reason: "x", outcome: "y" });
  metrics.count("mayfly_decisions_total", { outcome: "y", reason: "x" });
  metrics.count("mayfly_a_total_without_words");
  metrics.gauge("mayfly_tasks_active", 7);
  metrics.gauge("mayfly_tasks_active", 3);
  for (const seconds of [0, 0.001, 0.0011, 0.3, 2, 600, 601])
    metrics.observeSeconds("mayfly_mint_duration_seconds", seconds, { provider: "ledger" });
}

const linesOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(",").toSorted().join(",")}}`))
    .toSorted();

const snapshot = (tell: (metrics: Metrics) => void) => {
  const metrics = createEdgeMetrics();
  tell(metrics);
  return metrics.toJSON();
};

describe("edge metrics", () => {
  it("are told in the same words as on Node", async () => {
    const node = createNodeMetrics();
    observe(node);
    const text = renderMetrics([{ own: {}, metrics: snapshot(observe) }]);
    expect(linesOf(text)).toEqual(linesOf(await node.render()));
  });

  it("of many objects are one family each, in which each series names its object", () => {
    const text = renderMetrics([
      { own: { shard: "0" }, metrics: snapshot(observe) },
      {
        own: { shard: "1" },
        metrics: snapshot((metrics) => metrics.count("mayfly_leases_issued_total", { provider: "ledger" })),
      },
    ]);
    expect(text.match(/^mayfly_leases_issued_total\{provider="ledger".*$/gm)).toEqual([
      'mayfly_leases_issued_total{provider="ledger",shard="0"} 5',
      'mayfly_leases_issued_total{provider="ledger",shard="1"} 1',
    ]);
    expect(text.match(/^# TYPE mayfly_leases_issued_total/gm)).toHaveLength(1);
    expect(text).toContain('mayfly_mint_duration_seconds_bucket{le="+Inf",provider="ledger",shard="0"} 7');
    // A family's series follow its own head, or a scraper refuses the whole.
    const families = text.split(/^# HELP /m).slice(1);
    expect(
      families.every((family) => new Set(family.match(/^mayfly_[a-z_]+?(?=_bucket|_sum|_count|\{| )/gm)).size === 1),
    ).toBe(true);
  });

  it("go on from what was stored, but for gauges, which tell what is now", () => {
    const stored: unknown = JSON.parse(JSON.stringify(snapshot(observe)));
    const metrics = createEdgeMetrics();
    metrics.restore(stored);
    metrics.gauge("mayfly_tasks_active", 3);
    expect(metrics.toJSON()).toEqual(snapshot(observe));
    observe(metrics);
    const text = renderMetrics([{ own: {}, metrics: metrics.toJSON() }]);
    expect(text).toContain('mayfly_leases_issued_total{provider="ledger"} 10');
    expect(text).toContain('mayfly_mint_duration_seconds_count{provider="ledger"} 14');
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["a text", "text"],
    ["no lists", { counters: 1, histograms: {} }],
    ["a series without a value", { counters: [{ name: "a", labels: {} }] }],
    ["a value that is none", { counters: [{ name: "a", labels: {}, value: Number.NaN }] }],
    ["labels that are none", { counters: [{ name: "a", labels: { b: 1 }, value: 1 }] }],
    ["other buckets", { histograms: [{ name: "a", labels: {}, counts: [1], sum: 1 }] }],
  ])("begin at nothing where what was stored is %s", (_, stored) => {
    const metrics = createEdgeMetrics();
    metrics.restore(stored);
    expect(metrics.toJSON()).toEqual({ counters: [], gauges: [], histograms: [] });
  });
});
