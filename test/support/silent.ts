/** Ports that nobody listens to. */
import type { Log } from "../../src/ports/log.ts";
import type { Metrics } from "../../src/ports/metrics.ts";

const nothing = (): void => {};

export const silentLog: Log = { info: nothing, warn: nothing, error: nothing };
export const silentMetrics: Metrics = { count: nothing, gauge: nothing, observeSeconds: nothing };
