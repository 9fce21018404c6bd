/** An object's numbers over its rests: kept in its storage now and then, so that what was counted last may be lost. */
import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { systemClock } from "../system-clock.ts";
import { createEdgeMetrics, type EdgeMetrics } from "./edge-metrics.ts";

const key = "metrics";
/** Between two writes. */
const restMillis = 10_000;

export interface KeptMetrics {
  readonly metrics: EdgeMetrics;
  /** At most once in a while. */
  keep(): Promise<void>;
}

export async function keepMetrics(storage: Pick<DurableObjectStorage, "get" | "put">): Promise<KeptMetrics> {
  const metrics = createEdgeMetrics();
  metrics.restore(await storage.get(key));
  let keptAt = systemClock.monotonicMillis();
  return {
    metrics,
    async keep() {
      if (systemClock.monotonicMillis() - keptAt < restMillis) return;
      keptAt = systemClock.monotonicMillis();
      await storage.put(key, metrics.toJSON());
    },
  };
}
