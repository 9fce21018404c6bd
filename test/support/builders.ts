/** Commands with sane defaults: a test names only what it is about. */
import type { Cause } from "../../src/domain/audit-entry.ts";
import type { LimitReservation } from "../../src/domain/limit.ts";
import type { AgentName, IssuerName, ProviderName, TemplateName } from "../../src/domain/names.ts";
import { targetName } from "../../src/domain/names.ts";
import { brand } from "../../src/kernel/brand.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { Fingerprint } from "../../src/kernel/digest.ts";
import { createIdFactory, homeOfId, type IdFactory, type LeaseId, type TaskId } from "../../src/kernel/ids.ts";
import { addMillis, epochMillis, millis, seconds } from "../../src/kernel/time.ts";
import type { Lease } from "../../src/domain/lease.ts";
import type { CompleteMint, OpenTask, RecordIntent } from "../../src/ports/ledger-commands.ts";
import { createSeededEntropy } from "./seeded-entropy.ts";

export const agentName = (name: string): AgentName => brand<AgentName>(name);
export const issuerName = (name: string): IssuerName => brand<IssuerName>(name);
export const providerName = (name: string): ProviderName => brand<ProviderName>(name);
export const templateName = (name: string): TemplateName => brand<TemplateName>(name);
/** Any text in the shape of a SHA-256 in base64url. */
export const fingerprintOf = (text: string): Fingerprint => brand<Fingerprint>(text.padEnd(43, "_").slice(0, 43));

export const broker: Cause = { actor: "broker", requestId: null };
export const operator: Cause = { actor: "operator:ada", requestId: null };
export const invoiceBot = agentName("invoice-bot");
export const cluster = issuerName("prod-cluster");
/** The `iss` of its tokens. */
export const clusterUrl = "https://cluster.example";
export const ledgerRead = templateName("ledger-read");
export const ledgerDb = providerName("ledger-db");
export const ledgerTarget = targetName(ledgerDb);

export interface TaskWish extends Partial<OpenTask["task"]> {
  readonly deadlineSeconds?: number;
  readonly limits?: readonly LimitReservation[];
  readonly heartbeatSeconds?: number;
}

export interface IntentWish extends Partial<Omit<RecordIntent, "lease">> {
  readonly lease?: Partial<RecordIntent["lease"]>;
  readonly ttlSeconds?: number;
  readonly worstCaseSeconds?: number;
  readonly mintTimeoutSeconds?: number;
}

export interface Builders {
  readonly ids: IdFactory;
  openTask(wish?: TaskWish): OpenTask;
  recordIntent(taskId: TaskId, wish?: IntentWish): RecordIntent;
  /** Completes within the bounds of the intent, without anything sealed. */
  completeMint(lease: Lease, wish?: Partial<CompleteMint>): CompleteMint;
  /** A live limit on the task. */
  taskLimit(taskId: TaskId, max: number): LimitReservation;
}

export function createBuilders(options: { clock: Clock; seed?: number }): Builders {
  const entropy = createSeededEntropy(options.seed ?? 1);
  const ids = createIdFactory({ clock: options.clock, entropy, generation: () => 1 });
  return {
    ids,
    openTask: (wish = {}) =>
      openTask(
        ids.task(wish.parentId === undefined || wish.parentId === null ? undefined : homeOfId(wish.parentId)),
        wish,
      ),
    recordIntent: (taskId, wish = {}) => recordIntent(ids.lease(homeOfId(taskId)), taskId, wish),
    completeMint: (lease, wish = {}) => ({
      leaseId: lease.id,
      handle: { name: `at-provider-${lease.id}` },
      sealed: null,
      fingerprint: null,
      provenAlive: false,
      expiresAt: lease.expiresAt,
      nativeExpiresAt: lease.nativeExpiresAt,
      rejectAs: null,
      cause: broker,
      ...wish,
    }),
    taskLimit: (taskId, max) => ({ limit: "liveLeasesPerTask", counter: `task:${taskId}`, max }),
  };
}

function openTask(id: TaskId, wish: TaskWish): OpenTask {
  const { deadlineSeconds = 3600, heartbeatSeconds, limits = [], ...task } = wish;
  return {
    task: {
      id,
      agent: invoiceBot,
      opener: { agent: agentName("conductor"), issuer: cluster, subject: "system:serviceaccount:finance:conductor" },
      parentId: null,
      templates: [{ template: ledgerRead, parameters: {} }],
      context: { environment: "prod" },
      purpose: null,
      ticket: null,
      automatic: false,
      ...task,
    },
    deadline: millis(deadlineSeconds * 1000),
    heartbeat: heartbeatSeconds === undefined ? null : { everySeconds: seconds(heartbeatSeconds), from: "agent" },
    limits,
    cause: operator,
  };
}

function recordIntent(id: LeaseId, taskId: TaskId, wish: IntentWish): RecordIntent {
  const { lease, ttlSeconds = 300, worstCaseSeconds = 600, mintTimeoutSeconds = 10, ...rest } = wish;
  const provider = lease?.provider ?? ledgerDb;
  return {
    lease: {
      id,
      taskId,
      agent: invoiceBot,
      issuer: cluster,
      template: ledgerRead,
      provider,
      target: targetName(provider),
      providerDigest: "digest-1",
      handle: { planned: id },
      nativeExpiry: "none",
      ...lease,
    },
    mintTimeout: millis(mintTimeoutSeconds * 1000),
    ttl: millis(ttlSeconds * 1000),
    worstCaseTtl: millis(worstCaseSeconds * 1000),
    automaticTask: null,
    limits: [],
    capacity: null,
    replay: null,
    idempotency: null,
    replaces: null,
    demandKillPath: true,
    cause: { actor: `agent:${invoiceBot}`, requestId: null },
    ...rest,
  };
}

/** A replay marker's expiry that no test outlives by accident. */
export const inOneHour = (clock: Clock) => addMillis(epochMillis(clock.now()), 3_600_000);
