/** The two apps of an object: for everyone, and under a host of their own for operators, where there is one. */
import { fanOut } from "../../engines/durable-object/across-shards/shards.ts";
import { createAdminApp } from "../../http/admin-app.ts";
import { createPublicApp } from "../../http/public-app.ts";
import { allAtMost } from "../../kernel/settle-all.ts";
import type { Log } from "../../ports/log.ts";
import type { Assembled } from "../assemble.ts";
import type { EdgeMetrics, MetricsSnapshot } from "./edge-metrics.ts";
import { renderMetrics } from "./render-metrics.ts";
import type { EdgeSettings } from "./settings.ts";

export function objectApps(parts: {
  readonly assembled: Assembled;
  readonly settings: EdgeSettings;
  readonly log: Log;
  readonly metrics: EdgeMetrics;
  /** Of any shard, by its number. */
  readonly metricsOf: (shard: number) => Promise<MetricsSnapshot>;
}): (request: Request) => Promise<Response> {
  const { assembled, settings, log, metrics, metricsOf } = parts;
  const { broker } = assembled;
  const publicApp = createPublicApp({ broker, log, metrics });
  const adminApp = createAdminApp({
    broker,
    log,
    metrics,
    async renderMetrics() {
      await assembled.refreshGauges();
      // Gauges are of the whole ledger, and were read here just now.
      const counted = await allAtMost([...Array(settings.shards).keys()], fanOut, async (shard) => ({
        shard: String(shard),
        metrics: { ...(await metricsOf(shard)), gauges: [] },
      }));
      const { gauges } = metrics.toJSON();
      return renderMetrics([...counted, { shard: null, metrics: { counters: [], histograms: [], gauges } }]);
    },
  });
  return async (request) => {
    const isForOperators = new URL(request.url).host === settings.adminHost;
    return (isForOperators ? adminApp : publicApp).fetch(request);
  };
}
