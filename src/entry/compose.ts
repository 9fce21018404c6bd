/**
 * The only wiring: adapters to ports, ports to use cases, use cases to the HTTP app. Opens the ledger, loads keys and
 * policy, and answers either everything or the first reason why not; nothing listens yet.
 */
import { readFile } from "node:fs/promises";
import { createAttestor } from "../attest/attestor.ts";
import { createKeySources } from "../attest/key-sources.ts";
import { createBroker, type Broker } from "../broker/broker.ts";
import { createChangeHub } from "../broker/change-hub.ts";
import { createKillPool, type KillPool } from "../broker/kill/kill-pool.ts";
import type { BrokerParts } from "../broker/parts.ts";
import { createProviderFacade } from "../broker/provider-facade.ts";
import { createIdFactory } from "../kernel/ids.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { formatFault } from "../policy/parse/fault.ts";
import type { Attestor } from "../ports/attestor.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Log } from "../ports/log.ts";
import type { ConfigFault, Environment, ServeOptions } from "./config.ts";
import { createNodeEntropy, nodeClock } from "./node-clock.ts";
import { createNodeMetrics, type NodeMetrics } from "./node-metrics.ts";
import { createNodeVerifier, nodeDigest } from "./node-signature.ts";
import { openStore } from "./open-store.ts";
import { connect, type Connections } from "./connections.ts";
import { refreshGauges } from "./refresh-gauges.ts";
import { createPolicyHost, type PolicyHost } from "./policy-host.ts";
import { readKeys } from "./read-keys.ts";

export interface Composed {
  readonly broker: Broker;
  readonly pool: KillPool;
  readonly policy: PolicyHost;
  readonly ledger: Ledger;
  readonly metrics: NodeMetrics;
  close(): Promise<void>;
}

/** Verified attestations that are remembered: 10 thousand agents that reuse theirs, at about 2 kB each. */
const attestationCacheSize = 10_000;

export async function compose(
  options: ServeOptions & { readonly issuerUrl: string },
  tools: { env: Environment; log: Log; onFatal: (reason: string) => void },
): Promise<Result<Composed, ConfigFault>> {
  const { env, log } = tools;
  const clock = nodeClock;
  const entropy = createNodeEntropy();
  const keys = await readKeys(options, env, entropy);
  if (!keys.ok) return keys;
  const { sealer, signer } = keys.value;

  const opened = await openStore(options.ledgerFile, { sealer, log, onFatal: tools.onFatal });
  if (!opened.ok) return opened;
  const ledger = opened.value;
  const metrics = createNodeMetrics(() => refreshGauges(metrics, ledger));
  const connections = connect(options, { env, entropy, signer });
  const { registry } = connections;
  const policy = await createPolicyHost({ dir: options.policyDir, registry, ledger, clock, log, metrics });
  if (!policy.ok) {
    await ledger.close();
    return err({
      setting: "--policy",
      message: policy.fault.map(formatFault).join("\n  "),
      fix: "mend the policy; `mayfly policy check` shows the same",
    });
  }

  const generation = (await ledger.health()).generation;
  const parts: BrokerParts = {
    issuerUrl: options.issuerUrl,
    ledger,
    attestor: attestorOf(policy.value, connections, log),
    policy: () => policy.value.current(),
    providers: createProviderFacade({ lookup: registry.lookup, clock, log, metrics }),
    sealer,
    signer,
    ids: createIdFactory({ clock, entropy, generation: () => generation }),
    clock,
    entropy,
    sha256: nodeDigest,
    changes: createChangeHub(clock),
    log,
    metrics,
  };
  return ok({
    broker: createBroker(parts),
    pool: createKillPool(parts),
    policy: policy.value,
    ledger,
    metrics,
    async close() {
      await ledger.close();
      await connections.close();
    },
  });
}

function attestorOf(policy: PolicyHost, connections: Connections, log: Log): Attestor {
  return createAttestor({
    issuerOf: (issuerUrl) => policy.issuerOf(issuerUrl),
    keySources: createKeySources({ http: connections.keysHttp, loadText, clock: nodeClock, log }),
    verifySignature: createNodeVerifier(),
    digest: nodeDigest,
    cacheSize: attestationCacheSize,
  });
}

async function loadText(path: string): Promise<Result<string, "file">> {
  try {
    return ok(await readFile(path, "utf8"));
  } catch {
    return err("file");
  }
}
