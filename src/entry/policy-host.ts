/**
 * The policy in force. A reload either replaces it whole or changes nothing and says so; requests under way keep the
 * one that they began with. The ledger hears of every change, so that what left the policy is closed and killed.
 */
import { watch } from "node:fs";
import { err, ok, type Result } from "../kernel/result.ts";
import type { Clock, Cancel } from "../kernel/clock.ts";
import { millis } from "../kernel/time.ts";
import { formatFault, type PolicyFault } from "../policy/parse/fault.ts";
import type { TrustedIssuer } from "../domain/trusted-issuer.ts";
import type { BoundPolicy } from "../policy/resources.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import { loadPolicyFolder, type LoadedPolicy } from "./policy-folder.ts";
import type { ProviderRegistry } from "./provider-registry.ts";

export interface PolicyHost {
  current(): BoundPolicy;
  issuerOf(issuerUrl: string): TrustedIssuer | undefined;
  /** Faults mean that the last good set stays in force. */
  reload(): Promise<Result<BoundPolicy, readonly PolicyFault[]>>;
  /** Reloads when a file in the folder changes. */
  watch(): Cancel;
}

export interface PolicyHostTools {
  readonly dir: string;
  readonly registry: ProviderRegistry;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Editors write in several steps; one reload sees them all. */
const settleMillis = millis(200);

export async function createPolicyHost(tools: PolicyHostTools): Promise<Result<PolicyHost, readonly PolicyFault[]>> {
  const { dir, registry, ledger, clock, log, metrics } = tools;
  const first = await loadPolicyFolder(dir, registry);
  if (!first.ok) return first;
  let current: BoundPolicy = first.value.policy;
  let byUrl = indexIssuers(current);
  await adopt(first.value);

  async function adopt(loaded: LoadedPolicy): Promise<void> {
    const { policy, providers, warnings } = loaded;
    registry.activate(providers);
    current = policy;
    byUrl = indexIssuers(policy);
    for (const warning of warnings) log.warn("policy_warning", { warning: formatFault(warning) });
    const answer = await ledger.loadPolicy({
      digest: policy.digest,
      agents: [...policy.agents.keys()],
      issuers: [...policy.issuers.keys()],
      cause: { actor: "broker", requestId: null },
    });
    if (answer.kind !== "ok") log.error("policy_not_recorded", { digest: policy.digest });
    log.info("policy_loaded", { digest: policy.digest, templates: policy.templates.size, agents: policy.agents.size });
  }

  async function reload(): Promise<Result<BoundPolicy, readonly PolicyFault[]>> {
    const loaded = await loadPolicyFolder(dir, registry);
    if (loaded.ok) {
      if (loaded.value.policy.digest !== current.digest) await adopt(loaded.value);
      return ok(current);
    }
    metrics.count("mayfly_policy_reload_failures_total");
    for (const fault of loaded.fault) log.error("policy_fault", { fault: formatFault(fault) });
    log.error("policy_refused", { kept: current.digest, faults: loaded.fault.length });
    return err(loaded.fault);
  }

  return ok({
    current: () => current,
    issuerOf: (issuerUrl) => byUrl.get(issuerUrl),
    reload,
    watch() {
      let cancel: Cancel = () => {};
      const watcher = watch(dir, { recursive: true }, () => {
        cancel();
        cancel = clock.after(settleMillis, () => void reload());
      });
      watcher.on("error", () => log.error("policy_watch_failed", { dir }));
      return () => {
        cancel();
        watcher.close();
      };
    },
  });
}

const indexIssuers = (policy: BoundPolicy): ReadonlyMap<string, TrustedIssuer> =>
  new Map([...policy.issuers.values()].map((issuer) => [issuer.issuer, issuer]));
