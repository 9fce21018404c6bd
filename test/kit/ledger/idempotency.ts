/** Idempotency keys and replay markers: a credential is delivered once, and a one-time token serves one request. */
import { expect } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import { idempotencyMillis, tombstoneMillis } from "../../../src/kernel/limits.ts";
import type { IntentConflict, ReplayMarker } from "../../../src/ports/ledger-commands.ts";
import { broker, clusterUrl, fingerprintOf, inOneHour } from "../../support/builders.ts";
import { accepted, describeRows, drain, refused, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const mark = { key: fingerprintOf("key"), requestDigest: fingerprintOf("request") };
const otherRequest = { ...mark, requestDigest: fingerprintOf("other request") };

type Fate = readonly [
  name: string,
  repeat: IntentConflict["reason"] | null,
  fate: (bench: Bench, lease: Lease) => Promise<unknown>,
];

const fates: readonly Fate[] = [
  ["intended", "in_flight", async () => undefined],
  [
    "failed to mint",
    null,
    (bench, lease) => bench.ledger.failMint({ leaseId: lease.id, reason: "quota", cause: broker }),
  ],
  ["active", "already_delivered", (bench, lease) => bench.ledger.completeMint(bench.completeMint(lease))],
  [
    "closed on completion",
    "already_delivered",
    (bench, lease) => bench.ledger.completeMint(bench.completeMint(lease, { rejectAs: "undelivered" })),
  ],
  ["dying with its outcome unknown", "already_delivered", (bench, lease) => bench.dying(lease)],
  [
    "stuck",
    "already_delivered",
    async (bench, lease) => bench.judge(await bench.dying(lease), { kind: "refused", reason: "denied", fix: "grant" }),
  ],
  [
    "revoked",
    "already_delivered",
    async (bench, lease) => bench.judge(await bench.dying(lease), { kind: "dead-unverified" }),
  ],
];

const repeats: readonly Row[] = fates.flatMap(([name, repeat, fate]): Row[] => [
  [
    `the lease is ${name}: the same request is ${repeat ?? "free"}, over a restart too`,
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.intended(task, { idempotency: mark });
      await fate(bench, lease);
      await bench.restart();
      const again = bench.recordIntent(task.id, { idempotency: mark });
      const expected = repeat === null ? accepted : refused(repeat, { leaseId: lease.id });
      expect(await bench.ledger.recordIntent(again)).toMatchObject(expected);
      expect((await bench.ledger.readLease(again.lease.id)) === undefined).toBe(repeat !== null);
    },
  ],
  [
    `the lease is ${name}: another request under its key is ${repeat === null ? "free" : "refused"}`,
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.intended(task, { idempotency: mark });
      await fate(bench, lease);
      const before = await bench.state(lease.id);
      const other = bench.recordIntent(task.id, { idempotency: otherRequest });
      const expected = repeat === null ? accepted : refused("key_reused");
      expect(await bench.ledger.recordIntent(other)).toMatchObject(expected);
      expect(await bench.state(lease.id)).toEqual(before);
    },
  ],
]);

const keys: readonly Row[] = [
  [
    "what was delivered becomes due in the same write, because its value is gone",
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.active(task, { idempotency: mark });
      bench.clock.advance(2000);
      const again = bench.recordIntent(task.id, { idempotency: mark });
      expect(await bench.ledger.recordIntent(again)).toEqual(refused("already_delivered", { leaseId: lease.id }));
      const now = bench.clock.now();
      const state = { kind: "revoking", cause: "undelivered", killOrderedAt: now, dueAt: now, outcomeUnknown: false };
      expect(await bench.state(lease.id)).toMatchObject(state);
    },
  ],
  [
    "a repeat of the very intent is answered as the first time, whatever its key says",
    async (bench) => {
      const task = await bench.opened();
      const command = bench.recordIntent(task.id, { idempotency: mark });
      const first = await bench.ledger.recordIntent(command);
      expect(await bench.ledger.recordIntent(command)).toEqual(first);
    },
  ],
  [
    "another key is free",
    async (bench) => {
      const task = await bench.opened();
      await bench.intended(task, { idempotency: mark });
      const other = bench.recordIntent(task.id, { idempotency: { ...mark, key: fingerprintOf("other key") } });
      expect(await bench.ledger.recordIntent(other)).toMatchObject(accepted);
    },
  ],
  [
    "a refused intent leaves no key behind",
    async (bench) => {
      const task = await bench.opened();
      const full = bench.recordIntent(task.id, { idempotency: mark, limits: [bench.taskLimit(task.id, 0)] });
      expect(await bench.ledger.recordIntent(full)).toMatchObject(refused("limit_reached"));
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id, { idempotency: otherRequest }))).toMatchObject(
        accepted,
      );
    },
  ],
  [
    "a key outlives its lease by a day, and not for ever",
    async (bench) => {
      const task = await bench.opened({ deadlineSeconds: 30 * 24 * 3600 });
      const lease = await bench.active(task, { idempotency: mark });
      await bench.judge(await bench.dying(lease), { kind: "dead-unverified" });
      bench.clock.advance(idempotencyMillis - 1);
      await drain(async () => valueOf(await bench.ledger.purge(100)).more);
      const again = bench.recordIntent(task.id, { idempotency: mark });
      expect(await bench.ledger.recordIntent(again)).toMatchObject(refused("already_delivered"));
      bench.clock.advance(tombstoneMillis);
      await drain(async () => valueOf(await bench.ledger.purge(100)).more);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id, { idempotency: mark }))).toMatchObject(
        accepted,
      );
    },
  ],
];

const markerOf = (bench: Bench, wish: Partial<ReplayMarker> = {}): ReplayMarker => ({
  issuerUrl: clusterUrl,
  tokenId: "jti-1",
  requestDigest: fingerprintOf("request"),
  expiresAt: inOneHour(bench.clock),
  ...wish,
});

const replays: readonly Row[] = [
  [
    "a token serves the same request again, and no other, over a restart too",
    async (bench) => {
      const task = await bench.opened();
      await bench.intended(task, { replay: markerOf(bench) });
      await bench.restart();
      const same = bench.recordIntent(task.id, { replay: markerOf(bench) });
      expect(await bench.ledger.recordIntent(same)).toMatchObject(accepted);
      const other = bench.recordIntent(task.id, { replay: markerOf(bench, { requestDigest: fingerprintOf("other") }) });
      expect(await bench.ledger.recordIntent(other)).toEqual(refused("replayed"));
      expect(await bench.ledger.readLease(other.lease.id)).toBeUndefined();
    },
  ],
  [
    "the same request with its key is then decided by the key",
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.intended(task, { replay: markerOf(bench), idempotency: mark });
      const again = bench.recordIntent(task.id, { replay: markerOf(bench), idempotency: mark });
      expect(await bench.ledger.recordIntent(again)).toEqual(refused("in_flight", { leaseId: lease.id }));
    },
  ],
  [
    "another issuer's token of the same name is another token",
    async (bench) => {
      const task = await bench.opened();
      await bench.intended(task, { replay: markerOf(bench) });
      const other = markerOf(bench, { issuerUrl: "https://other.example", requestDigest: fingerprintOf("other") });
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id, { replay: other }))).toMatchObject(accepted);
    },
  ],
  [
    "a refused intent leaves no marker behind",
    async (bench) => {
      const task = await bench.opened();
      const full = bench.recordIntent(task.id, { replay: markerOf(bench), limits: [bench.taskLimit(task.id, 0)] });
      expect(await bench.ledger.recordIntent(full)).toMatchObject(refused("limit_reached"));
      const other = bench.recordIntent(task.id, { replay: markerOf(bench, { requestDigest: fingerprintOf("other") }) });
      expect(await bench.ledger.recordIntent(other)).toMatchObject(accepted);
    },
  ],
  [
    "a marker is kept until its token has expired, whatever is purged before",
    async (bench) => {
      const task = await bench.opened({ deadlineSeconds: 7200 });
      const replay = markerOf(bench);
      await bench.intended(task, { replay });
      bench.clock.advance(3_599_999);
      await drain(async () => valueOf(await bench.ledger.purge(100)).more);
      const digest = { requestDigest: fingerprintOf("other") };
      const wish = { replay: { ...replay, ...digest }, demandKillPath: false };
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id, wish))).toEqual(refused("replayed"));
    },
  ],
];

export function describeIdempotency(make: MakeHarness): void {
  describeRows("idempotency: the lease decides", make, repeats);
  describeRows("idempotency: keys", make, keys);
  describeRows("replay", make, replays);
}
