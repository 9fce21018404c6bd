/** The two apps of an object: for everyone, and under a host of their own for operators, where there is one. */
import { createAdminApp } from "../../http/admin-app.ts";
import { createPublicApp } from "../../http/public-app.ts";
import { allAtMost } from "../../kernel/settle-all.ts";
import type { Log } from "../../ports/log.ts";
import type { Assembled } from "../assemble.ts";
import type { EdgeMetrics, MetricsSnapshot } from "./edge-metrics.ts";
import { renderMetrics } from "./render-metrics.ts";
import type { ObjectSettings } from "./settings.ts";

/** A Worker may have six connections open. */
const asksAtOnce = 6;

export function objectApps(parts: {
  readonly assembled: Assembled;
  readonly settings: Pick<ObjectSettings, "adminHost">;
  readonly log: Log;
  readonly metrics: EdgeMetrics;
  /** All that count, by what they are called in a metric's labels. */
  readonly objects: { readonly label: "shard" | "gateway"; readonly count: number };
  /** Of any of them, by its number. */
  readonly metricsOf: (object: number) => Promise<MetricsSnapshot>;
}): (request: Request) => Promise<Response> {
  const { assembled, settings, log, metrics, objects, metricsOf } = parts;
  const { broker } = assembled;
  const publicApp = createPublicApp({ broker, log, metrics });
  const adminApp = createAdminApp({
    broker,
    log,
    metrics,
    async renderMetrics() {
      await assembled.refreshGauges();
      // Gauges are of the whole ledger, and were read here just now.
      const counted = await allAtMost([...Array(objects.count).keys()], asksAtOnce, async (object) => ({
        own: { [objects.label]: String(object) },
        metrics: { ...(await metricsOf(object)), gauges: [] },
      }));
      const { gauges } = metrics.toJSON();
      return renderMetrics([...counted, { own: {}, metrics: { counters: [], histograms: [], gauges } }]);
    },
  });
  return async (request) => {
    const isForOperators = new URL(request.url).host === settings.adminHost;
    return (isForOperators ? adminApp : publicApp).fetch(request);
  };
}
