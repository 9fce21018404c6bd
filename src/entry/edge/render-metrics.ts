/**
 * The metrics of many objects as one Prometheus text. Each series names the object that counted it, so that one object's
 * fall to nothing is seen as a restart of its own series and not as a fall of the sum.
 */
import type { Labels } from "../../ports/metrics.ts";
import { helpTexts, secondsBuckets } from "../metric-tables.ts";
import type { MetricsSnapshot, TimeSeries, ValueSeries } from "./edge-metrics.ts";

export interface MetricsOf {
  /** Say who counted it; none where that does not matter. */
  readonly own: Labels;
  readonly metrics: MetricsSnapshot;
}

type Kind = "counter" | "gauge" | "histogram";

export function renderMetrics(parts: readonly MetricsOf[]): string {
  const families = new Map<string, { readonly kind: Kind; readonly lines: string[] }>();
  const add = (kind: Kind, name: string, lines: readonly string[]): void => {
    const family = families.get(name) ?? { kind, lines: [] };
    families.set(name, family);
    family.lines.push(...lines);
  };
  for (const { own, metrics } of parts) {
    for (const series of metrics.counters) add("counter", series.name, [valueLine(series, own)]);
    for (const series of metrics.gauges) add("gauge", series.name, [valueLine(series, own)]);
    for (const series of metrics.histograms) add("histogram", series.name, timeLines(series, own));
  }
  const texts = [...families].map(([name, { kind, lines }]) =>
    [`# HELP ${name} ${escaped(helpTexts[name] ?? name)}`, `# TYPE ${name} ${kind}`, ...lines, ""].join("\n"),
  );
  return texts.join("\n");
}

const valueLine = ({ name, labels, value }: ValueSeries, own: Labels): string =>
  `${name}${labelText({ ...labels, ...own })} ${value}`;

function timeLines({ name, labels, counts, sum }: TimeSeries, own: Labels): readonly string[] {
  const all = { ...labels, ...own };
  let below = 0;
  const buckets = counts.map((count, bucket) => {
    below += count;
    return `${name}_bucket${labelText({ le: String(secondsBuckets[bucket] ?? "+Inf"), ...all })} ${below}`;
  });
  return [...buckets, `${name}_sum${labelText(all)} ${sum}`, `${name}_count${labelText(all)} ${below}`];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
