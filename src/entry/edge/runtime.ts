/** What the broker on Workers does in its own way. Everything here works inside one object's requests and alarms. */
import { createJoseVerifier } from "../../attest/verify-signature.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Entropy } from "../../kernel/entropy.ts";
import type { Log } from "../../ports/log.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { Runtime } from "../assemble.ts";
import { createNextTurn } from "../next-turn.ts";
import type { Environment } from "../parse-setting.ts";
import { createSystemEntropy, systemClock } from "../system-clock.ts";
import { edgeDigest } from "./edge-digest.ts";
import type { EdgePolicy } from "./policy-source.ts";
import { edgeSecretResolver } from "./resolve-secret.ts";

export interface EdgeRuntimeOptions {
  readonly env: Environment;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly policy: Pick<EdgePolicy, "loadText">;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
}

export const edgeRuntime = ({ env, log, metrics, policy, clock, entropy }: EdgeRuntimeOptions): Runtime => ({
  clock: clock ?? systemClock,
  entropy: entropy ?? createSystemEntropy(),
  log,
  metrics,
  verifySignature: createJoseVerifier(),
  digest: edgeDigest,
  nextTurn: createNextTurn((run) => setTimeout(run, 0)),
  loadText: policy.loadText,
  resolveSecret: edgeSecretResolver(env),
});
