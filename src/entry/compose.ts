/** The assembly on Node: its adapters opened, and what this runtime does in its own way. Nothing listens yet. */
import { err, ok, type Result } from "../kernel/result.ts";
import { formatFault } from "../policy/parse/fault.ts";
import type { Metrics } from "../ports/metrics.ts";
import { openAdapters, type Machine } from "./adapters.ts";
import { assemble, type Adapters, type Assembled } from "./assemble.ts";
import type { ConfigFault, ServeOptions } from "./config.ts";
import { loadText } from "./load-text.ts";
import { createNextTurn } from "./next-turn.ts";
import { createNodeMetrics } from "./node-metrics.ts";
import { createNodeVerifier, nodeDigest } from "./node-signature.ts";
import { policyFolder } from "./policy-folder.ts";
import { secretResolver } from "./resolve-secret.ts";

export interface Composed extends Assembled {
  readonly metrics: Metrics;
  /** As a Prometheus scraper reads it. */
  renderMetrics(): Promise<string>;
}

export async function compose(
  options: ServeOptions & { readonly issuerUrl: string },
  machine: Machine,
): Promise<Result<Composed, ConfigFault>> {
  const adapters = await openAdapters(options, machine);
  return adapters.ok ? composeOver(options, adapters.value, machine) : adapters;
}

/** Owns the adapters from here on. */
export async function composeOver(
  options: Pick<ServeOptions, "policyDir" | "role" | "mode"> & { readonly issuerUrl: string },
  adapters: Adapters,
  machine: Machine,
): Promise<Result<Composed, ConfigFault>> {
  const { issuerUrl, policyDir, role, mode } = options;
  const metrics = createNodeMetrics();
  const assembled = await assemble(
    { issuerUrl, policySource: policyFolder(policyDir, machine), mode, kills: role !== "api" },
    adapters,
    {
      ...machine,
      metrics,
      verifySignature: createNodeVerifier(),
      digest: nodeDigest,
      nextTurn: createNextTurn(setImmediate),
      loadText,
      resolveSecret: secretResolver(machine.env),
    },
  );
  if (!assembled.ok) {
    return err({
      setting: "--policy",
      message: assembled.fault.map(formatFault).join("\n  "),
      fix: "mend the policy; `mayfly policy check` shows the same",
    });
  }
  return ok({
    ...assembled.value,
    metrics,
    async renderMetrics() {
      await assembled.value.refreshGauges();
      return metrics.render();
    },
  });
}
