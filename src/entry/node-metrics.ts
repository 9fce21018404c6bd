/** The Metrics port over prom-client, with the text that a Prometheus scraper reads. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Labels, Metrics } from "../ports/metrics.ts";
import { helpTexts, secondsBuckets } from "./metric-tables.ts";

export interface NodeMetrics extends Metrics {
  render(): Promise<string>;
}

export function createNodeMetrics(): NodeMetrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const base = (name: string, labels: Labels) => ({
    name,
    help: helpTexts[name] ?? name,
    labelNames: Object.keys(labels),
    registers: [registry],
  });

  return {
    count(name, labels = {}, by = 1) {
      getOrMake(counters, name, () => new Counter(base(name, labels))).inc(labels, by);
    },
    gauge(name, value, labels = {}) {
      getOrMake(gauges, name, () => new Gauge(base(name, labels))).set(labels, value);
    },
    observeSeconds(name, value, labels = {}) {
      getOrMake(histograms, name, () => new Histogram({ ...base(name, labels), buckets: secondsBuckets })).observe(
        labels,
        value,
      );
    },
    render: () => registry.metrics(),
  };
}

function getOrMake<T>(known: Map<string, T>, name: string, make: () => T): T {
  const existing = known.get(name);
  if (existing !== undefined) return existing;
  const made = make();
  known.set(name, made);
  return made;
}
