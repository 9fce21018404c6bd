/** The broker inside one object: its shard, the way to the others, and what the Workers runtime gives. */
import type { DurableObjectNamespace, DurableObjectState } from "@cloudflare/workers-types";
import { driftRoundMillis } from "../../broker/drift/drift-watch.ts";
import { createLocalWorkforce } from "../../broker/kill/local-workforce.ts";
import { payOwed } from "../../engines/durable-object/across-shards/settling.ts";
import { createShards } from "../../engines/durable-object/across-shards/shards.ts";
import type { Shard } from "../../engines/durable-object/open-shard.ts";
import { createRemoteShard } from "../../engines/durable-object/remote-shard.ts";
import type { ShardLedger } from "../../engines/durable-object/shard-ledger.ts";
import { createShardedLedger } from "../../engines/durable-object/sharded-ledger.ts";
import { millis, type Millis } from "../../kernel/time.ts";
import { formatFault } from "../../policy/parse/fault.ts";
import type { PolicyFile } from "../../policy/parse/yaml-documents.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import { assemble, type Adapters, type Assembled } from "../assemble.ts";
import { missingSealingKey } from "../missing-sealing-key.ts";
import type { Keys } from "../parse-rings.ts";
import { createSystemEntropy, systemClock } from "../system-clock.ts";
import type { EdgeMetrics, MetricsSnapshot } from "./edge-metrics.ts";
import { readEdgeKeys } from "./key-rings.ts";
import { keepMetrics } from "./keep-metrics.ts";
import { objectApps } from "./object-apps.ts";
import { policyOf, recordingOnce, type PolicyEnv } from "./object-policy.ts";
import type { EdgePolicy } from "./policy-source.ts";
import { refused, wordsOf } from "./refused.ts";
import { edgeRuntime } from "./runtime.ts";
import { textsOf, type EdgeSettings } from "./settings.ts";
import type { ShardObject } from "./shard-object.ts";
import { homeIn, shardNames } from "./shard-objects.ts";
import { openWebConnections } from "./web-connections.ts";

/** The bindings of the Worker beside its variables and secrets. */
export interface ShardEnv extends PolicyEnv {
  readonly SHARD: DurableObjectNamespace;
}

export interface ObjectBroker {
  fetch(request: Request): Promise<Response>;
  metrics(): MetricsSnapshot;
  /** All that can be done now, within about that long; answers how long it may sleep at most. */
  work(budget: Millis): Promise<Millis>;
}

export interface ObjectParts {
  readonly state: DurableObjectState;
  readonly env: ShardEnv;
  readonly deployed: readonly PolicyFile[];
  readonly settings: EdgeSettings;
  readonly number: number;
  readonly log: Log;
  readonly shard: Shard;
}

/** One invocation may send 10,000 requests, and a kill takes up to four: revoke and probe, each perhaps with a new token. */
const claimsPerAlarm = 2000;

/** A store with nothing outstanding is looked at for what is past its time. */
export const longestSleep = millis(24 * 3_600_000);

/** Rejects where it cannot be; the log says why. */
export async function composeInObject(parts: ObjectParts): Promise<ObjectBroker> {
  const { state, settings, number, log } = parts;
  const { shards, issuerUrl, mode } = settings;
  const shardsByNumber = shardsOf(parts);
  const kept = await keepMetrics(state.storage);
  const policy = policyOf({ env: parts.env, storage: state.storage, deployed: parts.deployed });
  const assembled = await assembleInObject(parts, { metrics: kept.metrics, policy, shards: shardsByNumber });
  const { pool, housekeeper, drift } = assembled;
  const serve = objectApps({
    assembled,
    settings,
    log,
    metrics: kept.metrics,
    objects: { label: "shard", count: shards },
    metricsOf: metricsOf(parts, kept.metrics),
  });
  assembled.policy.watch();
  pool.start();
  log.info("started", { issuer: issuerUrl, shard: number, shards, mode });

  /** One object a ledger is enough for what is looked after at providers. */
  const looksAfterProviders = (): boolean => number === 0 && drift.isNeeded();
  return {
    metrics: () => kept.metrics.toJSON(),
    fetch(request) {
      policy.touched();
      state.waitUntil(kept.keep());
      return serve(request);
    },
    async work(budget) {
      policy.touched();
      await pool.settle(budget);
      if (shards > 1) await payOwed(createShards(shardsByNumber), number);
      const isTidy = await tidy(housekeeper);
      if (looksAfterProviders()) await drift.round();
      await kept.keep();
      if (!isTidy) return tidyAgain;
      return looksAfterProviders() ? driftRoundMillis : longestSleep;
    },
  };
}

/** Of what is past its time: a few thousand rows an alarm, so that it keeps up with any issuing and kills get their turn. */
const tidyPages = 10;
const tidyAgain = millis(1_000);

async function tidy(housekeeper: Assembled["housekeeper"]): Promise<boolean> {
  for (let page = 0; page < tidyPages; page += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one page after the other
    if (!(await housekeeper.look())) return true;
  }
  return false;
}

async function assembleInObject(
  parts: ObjectParts,
  given: { readonly metrics: EdgeMetrics; readonly policy: EdgePolicy; readonly shards: readonly ShardLedger[] },
): Promise<Assembled> {
  const { state, env, settings, number, log, shard } = parts;
  const [clock, entropy, texts] = [systemClock, createSystemEntropy(), textsOf(env)];
  const keys = await readEdgeKeys(texts, { clock, entropy });
  if (!keys.ok) throw refused(log, wordsOf(keys.fault));
  const lacking = missingSealingKey(await shard.sealedKeyIds(), keys.value.sealer.keyIds());
  if (lacking !== null) throw refused(log, wordsOf(lacking));
  const background = (work: Promise<void>): void => state.waitUntil(work);
  const ledger = createShardedLedger({ shards: given.shards, log, background });
  const assembled = await assemble(
    {
      issuerUrl: settings.issuerUrl,
      policySource: given.policy,
      mode: settings.mode,
      kills: true,
      claimsAtATime: claimsPerAlarm,
      homeOfNew: () => homeIn(number, settings.shards, entropy),
    },
    adaptersOf(parts, keys.value, keptOpen(recordingOnce(knowingMark(ledger, state), state.storage))),
    edgeRuntime({ env: texts, log, metrics: given.metrics, policy: given.policy, clock, entropy }),
  );
  if (!assembled.ok) throw refused(log, assembled.fault.map(formatFault).join("; "));
  return assembled.value;
}

/** It kills and tidies for its own shard; what it finds out about targets and providers, all shards must know. */
const adaptersOf = ({ shard, settings }: ObjectParts, keys: Keys, ledger: Ledger): Adapters => ({
  ...keys,
  ledger,
  ownPart: {
    ...shard,
    setTarget: (command) => ledger.setTarget(command),
    noteProvider: (command) => ledger.noteProvider(command),
  },
  workforce: createLocalWorkforce(),
  connections: openWebConnections(settings.mode),
});

type Stub = Pick<ShardObject, "ask" | "metrics">;

/** The namespace does not know the class behind it. */
const stubOf = ({ env }: ObjectParts, shard: number): Stub =>
  env.SHARD.getByName(shardNames.nameOf(shard)) as unknown as Stub;

/** Its own shard is at hand; the others are a call away. */
const shardsOf = (parts: ObjectParts): readonly ShardLedger[] =>
  Array.from({ length: parts.settings.shards }, (_, other) =>
    other === parts.number
      ? parts.shard
      : createRemoteShard(
          () => stubOf(parts, other),
          (delay, run) => systemClock.after(delay, run),
        ),
  );

const metricsOf =
  (parts: ObjectParts, own: EdgeMetrics) =>
  async (shard: number): Promise<MetricsSnapshot> =>
    shard === parts.number ? own.toJSON() : stubOf(parts, shard).metrics();

/** It never changes: an object that was told it can work also while the first one does not answer. */
function knowingMark(ledger: Ledger, { storage }: DurableObjectState): Ledger {
  const key = "mark";
  return {
    ...ledger,
    async mark() {
      const known = await storage.get<string>(key);
      if (known !== undefined) return known;
      const mark = await ledger.mark();
      await storage.put(key, mark);
      return mark;
    },
  };
}

/** A composition that is refused closes what it was given; the next try, and other objects, need the shard. */
const keptOpen = (ledger: Ledger): Ledger => ({ ...ledger, close: async () => {} });
