/**
 * The Metrics port in memory, for an object that may be put to rest at any time: its numbers go to storage as JSON and
 * come back when it wakes. `render-metrics.ts` writes the text that a scraper reads, over all objects.
 */
import type { Labels, Metrics } from "../../ports/metrics.ts";
import { secondsBuckets } from "../metric-tables.ts";

export interface EdgeMetrics extends Metrics {
  toJSON(): MetricsSnapshot;
  /** Adds what was counted before; once, at the start. What cannot be read any more begins at nothing. */
  restore(stored: unknown): void;
}

/** JSON, and what objects tell each other. */
export interface MetricsSnapshot {
  readonly counters: readonly ValueSeries[];
  readonly gauges: readonly ValueSeries[];
  readonly histograms: readonly TimeSeries[];
}

export interface ValueSeries {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface TimeSeries {
  readonly name: string;
  readonly labels: Labels;
  /** How many fell into each of `secondsBuckets`, and at the end those above the last; not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export function createEdgeMetrics(): EdgeMetrics {
  const counters = new Map<string, ValueSeries>();
  const gauges = new Map<string, ValueSeries>();
  const histograms = new Map<string, TimeSeries>();

  const add = ({ name, labels, value }: ValueSeries): void => {
    const key = keyOf(name, labels);
    counters.set(key, { name, labels, value: (counters.get(key)?.value ?? 0) + value });
  };
  const addTimes = ({ name, labels, counts, sum }: TimeSeries): void => {
    const key = keyOf(name, labels);
    const known = histograms.get(key);
    histograms.set(key, {
      name,
      labels,
      counts: counts.map((count, bucket) => count + (known?.counts[bucket] ?? 0)),
      sum: sum + (known?.sum ?? 0),
    });
  };

  return {
    count: (name, labels = {}, by = 1) => add({ name, labels, value: by }),
    gauge: (name, value, labels = {}) => void gauges.set(keyOf(name, labels), { name, labels, value }),
    observeSeconds: (name, value, labels = {}) => addTimes({ name, labels, counts: countsOf(value), sum: value }),
    toJSON: () => ({
      counters: [...counters.values()],
      gauges: [...gauges.values()],
      histograms: [...histograms.values()],
    }),
    restore(stored) {
      // Gauges tell what is now: they are set again before they are read.
      for (const series of listOf(stored, "counters")) if (isValueSeries(series)) add(series);
      for (const series of listOf(stored, "histograms")) if (isTimeSeries(series)) addTimes(series);
    },
  };
}

/** By name and labels in any order. */
const keyOf = (name: string, labels: Labels): string =>
  JSON.stringify([name, Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1))]);

function countsOf(value: number): readonly number[] {
  const bucket = secondsBuckets.findIndex((bound) => value <= bound);
  const at = bucket < 0 ? secondsBuckets.length : bucket;
  return Array.from({ length: secondsBuckets.length + 1 }, (_, index) => (index === at ? 1 : 0));
}

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function listOf(stored: unknown, member: keyof MetricsSnapshot): readonly unknown[] {
  const list = isMembers(stored) ? stored[member] : undefined;
  return Array.isArray(list) ? list : [];
}

const isNamed = (series: unknown): series is Readonly<Record<string, unknown>> =>
  isMembers(series) &&
  typeof series["name"] === "string" &&
  isMembers(series["labels"]) &&
  Object.values(series["labels"]).every((text) => typeof text === "string");

const isValueSeries = (series: unknown): series is ValueSeries => isNamed(series) && isCount(series["value"]);

/** One that was counted in other buckets, by another release, cannot be added to. */
const isTimeSeries = (series: unknown): series is TimeSeries =>
  isNamed(series) &&
  isCount(series["sum"]) &&
  Array.isArray(series["counts"]) &&
  series["counts"].length === secondsBuckets.length + 1 &&
  series["counts"].every(isCount);

const isCount = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value) && value >= 0;
