/**
 * The policy in force. A reload either replaces it whole, with the secrets of its providers as they read now, or changes
 * nothing and says so; requests under way keep the one that they began with. The ledger hears of every change, so that what left the policy is closed and killed.
 */
import { err, ok, type Result } from "../kernel/result.ts";
import type { Clock, Cancel } from "../kernel/clock.ts";
import { millis } from "../kernel/time.ts";
import { formatFault, type PolicyFault } from "../policy/parse/fault.ts";
import type { TrustedIssuer } from "../domain/trusted-issuer.ts";
import type { BoundPolicy } from "../policy/resources.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { KillRecords } from "../broker/operate/kill-records.ts";
import { loadPolicy, type LoadedPolicy, type PolicySource } from "./load-policy.ts";
import type { ProviderRegistry } from "./provider-registry.ts";

export interface PolicyHost {
  current(): BoundPolicy;
  issuerOf(issuerUrl: string): TrustedIssuer | undefined;
  /** Faults mean that the last good set stays in force. Never rejects; reloads run one after the other. */
  reload(): Promise<Result<BoundPolicy, readonly PolicyFault[]>>;
  /** Reloads when the source rings: a file of the policy or a provider's secret file may have changed. */
  watch(): Cancel;
}

export interface PolicyHostTools {
  readonly source: PolicySource;
  readonly registry: ProviderRegistry;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly mode: Mode;
  readonly kills: Pick<KillRecords, "of" | "refresh">;
}

/** Development may call plain http, and is not told of it. */
export type Mode = "production" | "development";

/** When the ledger did not take a policy: until it does, what left the policy is not killed. */
const recordAgainMillis = millis(1_000);

export async function createPolicyHost(tools: PolicyHostTools): Promise<Result<PolicyHost, readonly PolicyFault[]>> {
  const { source, registry, ledger, clock, log } = tools;
  const first = await loadFirst(tools);
  if (!first.ok) return first;
  let current: BoundPolicy = first.value.policy;
  let byUrl = indexIssuers(current);
  let isRecorded = false;
  let { isRefused } = first.value;
  let cancelRetry: Cancel = () => {};
  await adopt(first.value);

  async function adopt(loaded: LoadedPolicy): Promise<void> {
    const { policy, providers } = loaded;
    registry.activate(providers);
    current = policy;
    byUrl = indexIssuers(policy);
    await keep(tools, loaded);
    isRecorded = await record(ledger, policy);
    if (!isRecorded) {
      log.error("policy_not_recorded", { digest: policy.digest });
      cancelRetry = clock.after(recordAgainMillis, () => void reload());
    }
    await tellLoaded(tools, loaded);
  }

  const reload = oneAtATime(reloadNow, () => {
    log.error("policy_reload_failed", { kept: current.digest });
    return err<readonly PolicyFault[]>([]);
  });

  async function reloadNow(): Promise<Result<BoundPolicy, readonly PolicyFault[]>> {
    cancelRetry();
    const loaded = await loadPolicy(await source.read(), registry);
    if (loaded.ok) {
      const rotated = registry.rotated(loaded.value.providers);
      if (rotated.length > 0) log.info("provider_secrets_changed", { providers: rotated.join(", ") });
      if (loaded.value.policy.digest !== current.digest || rotated.length > 0 || !isRecorded) await adopt(loaded.value);
      else if (isRefused) log.info("policy_mended", { digest: current.digest });
      isRefused = false;
      return ok(current);
    }
    isRefused = true;
    refuse(tools, current.digest, loaded.fault);
    return err(loaded.fault);
  }

  return ok({
    current: () => current,
    issuerOf: (issuerUrl) => byUrl.get(issuerUrl),
    reload,
    watch() {
      const secretFiles = () => registry.secretFiles();
      const unwatch = source.watch(() => void reload(), secretFiles);
      return () => {
        unwatch();
        cancelRetry();
      };
    },
  });
}

/** What is read now, or else what was in force before the process was started again. */
async function loadFirst(
  tools: PolicyHostTools,
): Promise<Result<LoadedPolicy & { readonly isRefused: boolean }, readonly PolicyFault[]>> {
  const { source, registry } = tools;
  const first = await loadPolicy(await source.read(), registry);
  if (first.ok) return ok({ ...first.value, isRefused: false });
  const files = await source.kept?.read().catch(() => undefined);
  if (files === undefined) return first;
  const last = await loadPolicy(ok(files), registry);
  if (!last.ok) return first;
  refuse(tools, last.value.policy.digest, first.fault);
  return ok({ ...last.value, isRefused: true });
}

/** Best effort: without it only a start while the policy is refused is worse off. */
async function keep({ source, log }: PolicyHostTools, { files, policy }: LoadedPolicy): Promise<void> {
  try {
    await source.kept?.keep(files);
  } catch {
    log.error("policy_not_kept", { digest: policy.digest });
  }
}

async function record(ledger: Ledger, policy: BoundPolicy): Promise<boolean> {
  const answer = await ledger.loadPolicy({
    digest: policy.digest,
    agents: [...policy.agents.keys()],
    issuers: [...policy.issuers.keys()],
    cause: { actor: "broker", requestId: null },
  });
  return answer.kind === "ok";
}

async function tellLoaded(tools: PolicyHostTools, { policy, warnings, plainHttp }: LoadedPolicy): Promise<void> {
  const { log, mode } = tools;
  const told = mode === "production" ? [...warnings, ...plainHttp] : warnings;
  for (const warning of told) log.warn("policy_warning", { warning: formatFault(warning) });
  log.info("policy_loaded", { digest: policy.digest, templates: policy.templates.size, agents: policy.agents.size });
  await tellUnseenKills(tools, policy);
}

/** A kill that was never seen to work is told at each start and reload, until it was. */
async function tellUnseenKills({ kills, log }: PolicyHostTools, { providers }: BoundPolicy): Promise<void> {
  try {
    await kills.refresh();
  } catch {
    // The policy is in force all the same; metrics and answers tell once the store can say.
    return;
  }
  const unseen = [...providers.keys()].filter((name) => kills.of(name)?.kind === "not_seen");
  if (unseen.length === 0) return;
  log.warn("provider_kill_not_seen", {
    providers: unseen.join(", "),
    fix: "mayfly provider test NAME --template NAME",
  });
}

function refuse({ log, metrics }: PolicyHostTools, kept: string, faults: readonly PolicyFault[]): void {
  metrics.count("mayfly_policy_reload_failures_total");
  for (const fault of faults) log.error("policy_fault", { fault: formatFault(fault) });
  log.error("policy_refused", { kept, faults: faults.length });
}

/** Of two reloads at once the one that read the older files could win. */
function oneAtATime<T>(run: () => Promise<T>, failed: () => T): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    const answer = last.then(run).catch(failed);
    last = answer;
    return answer;
  };
}

const indexIssuers = (policy: BoundPolicy): ReadonlyMap<string, TrustedIssuer> =>
  new Map([...policy.issuers.values()].map((issuer) => [issuer.issuer, issuer]));
