/**
 * The broker inside a gateway: the ledger on the Redis that nodes share, and what the Workers runtime gives. It answers
 * requests; what they order to be ended, the nodes end.
 */
import type { DurableObjectState } from "@cloudflare/workers-types";
import { couldLoseOf } from "../../engines/redis/connection/durability.ts";
import { openLedger, type RedisLedger } from "../../engines/redis/open-ledger.ts";
import { openNewsWakes } from "../../engines/redis/queue/news-wakes.ts";
import { formatFault } from "../../policy/parse/fault.ts";
import type { PolicyFile } from "../../policy/parse/yaml-documents.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import { demandOf } from "../accepted-loss.ts";
import { assemble, type Assembled } from "../assemble.ts";
import { missingSealingKey } from "../missing-sealing-key.ts";
import type { Keys } from "../parse-rings.ts";
import { createSystemEntropy, systemClock } from "../system-clock.ts";
import { edgeSha1 } from "./edge-digest.ts";
import type { EdgeMetrics, MetricsSnapshot } from "./edge-metrics.ts";
import { gatewayNames, type GatewayEnv } from "./gateway-objects.ts";
import type { GatewaySettings } from "./gateway-settings.ts";
import type { Gateway } from "./gateway-object.ts";
import { readEdgeKeys } from "./key-rings.ts";
import { keepMetrics } from "./keep-metrics.ts";
import { objectApps } from "./object-apps.ts";
import { policyOf, recordingOnce } from "./object-policy.ts";
import type { EdgePolicy } from "./policy-source.ts";
import { refused, wordsOf } from "./refused.ts";
import { edgeRuntime } from "./runtime.ts";
import { textsOf } from "./settings.ts";
import { openWebConnections } from "./web-connections.ts";

export interface GatewayBroker {
  fetch(request: Request): Promise<Response>;
  metrics(): MetricsSnapshot;
}

export interface GatewayParts {
  readonly state: DurableObjectState;
  readonly env: GatewayEnv;
  readonly deployed: readonly PolicyFile[];
  readonly settings: GatewaySettings;
  readonly number: number;
  readonly log: Log;
}

/** Rejects where it cannot be, and then holds no connection; the log says why. */
export async function composeGateway(parts: GatewayParts): Promise<GatewayBroker> {
  const { state, env, settings, number, log } = parts;
  const [clock, entropy] = [systemClock, createSystemEntropy()];
  const keys = await readEdgeKeys(textsOf(env), { clock, entropy });
  if (!keys.ok) throw refused(log, wordsOf(keys.fault));
  const ledger = await openGatewayLedger(parts);
  try {
    const kept = await keepMetrics(state.storage);
    const policy = policyOf({ env, storage: state.storage, deployed: parts.deployed });
    const assembled = await assembleGateway(parts, { keys: keys.value, ledger, policy, metrics: kept.metrics });
    const serve = objectApps({
      assembled,
      settings,
      log,
      metrics: kept.metrics,
      objects: { label: "gateway", count: settings.gateways },
      metricsOf: metricsOf(parts, kept.metrics),
    });
    assembled.policy.watch();
    assembled.housekeeper.start();
    log.info("started", { issuer: settings.issuerUrl, gateway: number, gateways: settings.gateways });
    return {
      metrics: () => kept.metrics.toJSON(),
      fetch(request) {
        policy.touched();
        state.waitUntil(kept.keep());
        return serve(request);
      },
    };
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

async function openGatewayLedger({ settings, log }: GatewayParts): Promise<RedisLedger> {
  const opened = await openLedger(
    { ...settings.redis, demand: demandOf(settings), clock: systemClock, log, sha1: edgeSha1 },
    openNewsWakes,
  );
  if (!opened.ok) throw refused(log, wordsOf({ setting: "MAYFLY_LEDGER", ...opened.fault }));
  return opened.value;
}

async function assembleGateway(
  { state, env, settings, log }: GatewayParts,
  given: {
    readonly keys: Keys;
    readonly ledger: RedisLedger;
    readonly policy: EdgePolicy;
    readonly metrics: EdgeMetrics;
  },
): Promise<Assembled> {
  const { keys, ledger, policy, metrics } = given;
  const lacking = missingSealingKey(await ledger.sealedKeyIds(), keys.sealer.keyIds());
  if (lacking !== null) throw refused(log, wordsOf(lacking));
  const couldLose = couldLoseOf(ledger.durability);
  const assembled = await assemble(
    { issuerUrl: settings.issuerUrl, policySource: policy, mode: settings.mode, kills: false },
    {
      ...keys,
      ledger: recordingOnce(ledger, state.storage, await nameOf(ledger)),
      workforce: ledger.workforce,
      ...(couldLose !== null && { couldLose }),
      connections: openWebConnections(settings.mode),
    },
    edgeRuntime({ env: textsOf(env), log, metrics, policy }),
  );
  if (!assembled.ok) throw refused(log, assembled.fault.map(formatFault).join("; "));
  return assembled.value;
}

/** Another server, or one that was put back from a copy, has to be told of the policy again. */
const nameOf = async (ledger: Ledger): Promise<string> =>
  `${await ledger.mark()}/${(await ledger.health()).generation}/`;

/** The namespace does not know the class behind it. */
const metricsOf =
  ({ env, number }: GatewayParts, own: EdgeMetrics) =>
  async (gateway: number): Promise<MetricsSnapshot> => {
    if (gateway === number) return own.toJSON();
    const other = env.GATEWAY.getByName(gatewayNames.nameOf(gateway)) as unknown as Pick<Gateway, "metrics">;
    return other.metrics();
  };
