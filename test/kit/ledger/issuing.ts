/** Issuing: the intent before the mint (promise P1), and everything a mint may turn out to be. */
import { expect } from "vitest";
import {
  maxKillDelayMillis,
  maxRetryMillis,
  mintMarginMillis,
  replacedGraceMillis,
} from "../../../src/kernel/limits.ts";
import { addMillis, epochMillis, millis } from "../../../src/kernel/time.ts";
import { agentName, broker, fingerprintOf, ledgerTarget, operator, providerName } from "../../support/builders.ts";
import { accepted, describeRows, refused, sequenceOf, valueOf, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const intents: readonly Row[] = [
  [
    "records names, handle and bounds from the ledger's clock",
    async (bench) => {
      const task = await bench.opened();
      const wish = { ttlSeconds: 300, worstCaseSeconds: 900, mintTimeoutSeconds: 10 };
      const command = bench.recordIntent(task.id, wish);
      const { lease, task: recorded } = valueOf(await bench.ledger.recordIntent(command));
      const now = bench.clock.now();
      expect(recorded).toEqual(task);
      expect(lease).toEqual({
        ...command.lease,
        createdAt: now,
        mintAbortAt: now + 10_000,
        expiresAt: now + 300_000,
        nativeExpiresAt: now + 900_000,
        sealed: null,
        fingerprint: null,
        provenAlive: false,
        state: { kind: "intended" },
      });
      expect(await bench.lease(lease.id)).toEqual({ lease, task, gate: { kind: "open" } });
    },
  ],
  [
    "refuses an unknown task",
    async (bench) => {
      const command = bench.recordIntent(bench.ids.task());
      expect(await bench.ledger.recordIntent(command)).toEqual(refused("not_found"));
    },
  ],
  [
    "answers a repeat as the first time, and refuses another lease under the same id",
    async (bench) => {
      const task = await bench.opened();
      const command = bench.recordIntent(task.id);
      const first = await bench.ledger.recordIntent(command);
      bench.clock.advance(500);
      await bench.opened();
      expect(await bench.ledger.recordIntent(command)).toEqual(first);
      const other = { ...command, lease: { ...command.lease, agent: agentName("other") } };
      expect(await bench.ledger.recordIntent(other)).toEqual(refused("id_taken"));
    },
  ],
];

const mints: readonly Row[] = [
  [
    "stores what the mint brought and takes the earlier bound",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      const command = bench.completeMint(lease, {
        sealed: "key.nonce.text",
        fingerprint: fingerprintOf("delivered"),
        provenAlive: true,
        expiresAt: addMillis(lease.expiresAt, 60_000),
        nativeExpiresAt: addMillis(lease.nativeExpiresAt, -60_000),
      });
      const { outcome, lease: stored } = valueOf(await bench.ledger.completeMint(command));
      expect(outcome).toBe("activated");
      const { handle, sealed, fingerprint, provenAlive, nativeExpiresAt } = command;
      const state = { kind: "active", activatedAt: bench.clock.now() };
      expect(stored).toEqual({ ...lease, handle, sealed, fingerprint, provenAlive, nativeExpiresAt, state });
      expect((await bench.lease(lease.id)).lease).toEqual(stored);
      expect((await bench.ledger.findLease(fingerprintOf("delivered")))?.lease).toEqual(stored);
      expect(await bench.ledger.findLease(fingerprintOf("another"))).toBeUndefined();
    },
  ],
  [
    "shortens its own bound when the provider granted less",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      const expiresAt = addMillis(lease.expiresAt, -1000);
      const { lease: stored } = valueOf(await bench.ledger.completeMint(bench.completeMint(lease, { expiresAt })));
      expect(stored.expiresAt).toBe(expiresAt);
    },
  ],
  [
    "closes what must not be delivered, for the reason given",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      const command = bench.completeMint(lease, { rejectAs: "scope_widened", sealed: "k1.nonce.kept" });
      const { outcome, lease: stored } = valueOf(await bench.ledger.completeMint(command));
      expect(outcome).toBe("closed");
      expect(stored).toMatchObject({
        sealed: "k1.nonce.kept",
        state: { kind: "revoking", cause: "scope_widened", dueAt: bench.clock.now() },
      });
      expect(await bench.ledger.completeMint(command)).toMatchObject({ value: { outcome: "closed" } });
    },
  ],
  [
    "answers a repeat as the first time, and refuses other data",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      const command = bench.completeMint(lease, { sealed: "k1.nonce.kept" });
      const first = await bench.ledger.completeMint(command);
      await bench.opened();
      expect(await bench.ledger.completeMint(command)).toEqual(first);
      expect(await bench.ledger.completeMint({ ...command, handle: { other: true } })).toEqual(refused("not_intended"));
      expect(await bench.ledger.completeMint({ ...command, sealed: "other" })).toEqual(refused("not_intended"));
      expect((await bench.lease(lease.id)).lease).toMatchObject({ handle: command.handle, sealed: "k1.nonce.kept" });
    },
  ],
  [
    "activates an intent that is past its abort but was not swept yet",
    async (bench) => {
      const lease = await bench.intended(await bench.opened(), { mintTimeoutSeconds: 10 });
      bench.clock.advance(10_000 + mintMarginMillis);
      expect(valueOf(await bench.ledger.completeMint(bench.completeMint(lease))).outcome).toBe("activated");
    },
  ],
  [
    "fails a mint for good, once, and refuses to complete it",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      const command = { leaseId: lease.id, reason: "quota", cause: broker };
      const first = await bench.ledger.failMint(command);
      expect(first).toMatchObject(accepted);
      expect(await bench.ledger.failMint(command)).toEqual(first);
      expect(await bench.state(lease.id)).toEqual({ kind: "mint_failed", deadAt: bench.clock.now(), reason: "quota" });
      expect(await bench.ledger.completeMint(bench.completeMint(lease))).toEqual(refused("not_intended"));
    },
  ],
  [
    "fails no mint that completed, and completes none that nobody intended",
    async (bench) => {
      const lease = await bench.active(await bench.opened());
      const failing = { leaseId: lease.id, reason: "quota", cause: broker };
      expect(await bench.ledger.failMint(failing)).toEqual(refused("not_intended"));
      expect(await bench.ledger.failMint({ ...failing, leaseId: bench.ids.lease() })).toEqual(refused("not_intended"));
      const unknown = { ...bench.completeMint(lease), leaseId: bench.ids.lease() };
      expect(await bench.ledger.completeMint(unknown)).toEqual(refused("not_intended"));
    },
  ],
];

const broken = refused("kill_path_broken", { target: ledgerTarget });
const open = (bench: { clock: { now(): number } }, forMillis: number) =>
  ({ kind: "open", until: epochMillis(bench.clock.now() + forMillis), reason: "timeouts" }) as const;

const killPath: readonly Row[] = [
  [
    "refuses while the breaker is open, also after its pause, and accepts once it is closed",
    async (bench) => {
      const task = await bench.opened();
      await bench.ledger.setTarget({ target: ledgerTarget, breaker: open(bench, 5000), paused: null, cause: broker });
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toEqual(broken);
      bench.clock.advance(5000);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toEqual(broken);
      const optingOut = bench.recordIntent(task.id, { demandKillPath: false });
      expect(await bench.ledger.recordIntent(optingOut)).toMatchObject(accepted);
      await bench.ledger.setTarget({ target: ledgerTarget, breaker: { kind: "closed" }, paused: null, cause: broker });
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(accepted);
    },
  ],
  [
    "accepts behind an open breaker when all that could close it would have been tried long ago, unless some is late",
    async (bench) => {
      const task = await bench.opened();
      const breaker = open(bench, 5000);
      await bench.ledger.setTarget({ target: ledgerTarget, breaker, paused: null, cause: broker });
      bench.clock.advance(5000 + maxRetryMillis - 1);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toEqual(broken);
      bench.clock.advance(1);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(accepted);
      const late = await bench.active(task, { demandKillPath: false });
      await bench.ledger.makeDue({ leaseId: late.id, killCause: "requested", delay: millis(0), cause: operator });
      bench.clock.advance(maxKillDelayMillis + 1);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toEqual(broken);
    },
  ],
  [
    "refuses on a paused target only",
    async (bench) => {
      const task = await bench.opened();
      await bench.ledger.setTarget({ target: ledgerTarget, breaker: null, paused: true, cause: operator });
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toEqual(broken);
      const elsewhere = bench.recordIntent(task.id, { lease: { provider: providerName("other") } });
      expect(await bench.ledger.recordIntent(elsewhere)).toMatchObject(accepted);
      await bench.ledger.setTarget({ target: ledgerTarget, breaker: null, paused: false, cause: operator });
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(accepted);
    },
  ],
  [
    "refuses when the oldest due lease is later than the bound, not before, and accepts again when it was tried",
    async (bench) => {
      const task = await bench.opened();
      const late = await bench.active(task);
      await bench.ledger.makeDue({ leaseId: late.id, killCause: "requested", delay: millis(0), cause: operator });
      bench.clock.advance(maxKillDelayMillis);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(accepted);
      bench.clock.advance(1);
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toEqual(broken);
      await bench.claim();
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id))).toMatchObject(accepted);
    },
  ],
];

const replacing: readonly Row[] = [
  [
    "makes the old lease due after the grace, and leaves it usable until then",
    async (bench) => {
      const task = await bench.opened();
      const old = await bench.active(task);
      await bench.active(task, { replaces: old.id });
      const now = bench.clock.now();
      const state = { kind: "revoking", cause: "replaced", killOrderedAt: now, dueAt: now + replacedGraceMillis };
      expect(await bench.state(old.id)).toMatchObject(state);
      bench.clock.advance(replacedGraceMillis - 1);
      expect((await bench.claim()).leases).toEqual([]);
      bench.clock.advance(1);
      expect((await bench.claim()).leases.map((lease) => lease.id)).toEqual([old.id]);
    },
  ],
  [
    "never postpones the old lease's own end",
    async (bench) => {
      const task = await bench.opened();
      const old = await bench.active(task, { ttlSeconds: 5 });
      await bench.active(task, { replaces: old.id });
      expect(await bench.state(old.id)).toMatchObject({ dueAt: old.expiresAt });
    },
  ],
  [
    "an end of the task does not wait for the grace",
    async (bench) => {
      const task = await bench.opened();
      const old = await bench.active(task);
      await bench.active(task, { replaces: old.id });
      bench.clock.advance(1000);
      await bench.ended(task);
      await bench.sweep();
      expect((await bench.claim()).leases.map((lease) => lease.id)).toContain(old.id);
    },
  ],
  [
    "refuses to replace an unknown lease, or another task's; a dead one needs nothing",
    async (bench) => {
      const task = await bench.opened();
      const foreign = await bench.active(await bench.opened());
      const unknown = bench.recordIntent(task.id, { replaces: bench.ids.lease() });
      expect(await bench.ledger.recordIntent(unknown)).toEqual(refused("not_found"));
      const others = bench.recordIntent(task.id, { replaces: foreign.id });
      expect(await bench.ledger.recordIntent(others)).toEqual(refused("not_found"));
      expect(await bench.state(foreign.id)).toMatchObject({ kind: "active" });

      const dead = await bench.active(task);
      const gone = await bench.judge(await bench.dying(dead), { kind: "dead-unverified" });
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id, { replaces: dead.id }))).toMatchObject(
        accepted,
      );
      expect(await bench.state(dead.id)).toEqual(gone.state);
    },
  ],
  [
    "the sequence of an intent lies between its task's opening and its activation",
    async (bench) => {
      const opened = await bench.ledger.openTask(bench.openTask());
      const recorded = await bench.ledger.recordIntent(bench.recordIntent(valueOf(opened).id));
      const completed = await bench.ledger.completeMint(bench.completeMint(valueOf(recorded).lease));
      expect(sequenceOf(opened)).toBeLessThan(sequenceOf(recorded));
      expect(sequenceOf(recorded)).toBeLessThan(sequenceOf(completed));
    },
  ],
];

export function describeIssuing(make: MakeHarness): void {
  describeRows("issuing: intents", make, intents);
  describeRows("issuing: mints", make, mints);
  describeRows("issuing: the kill path must work", make, killPath);
  describeRows("issuing: replacing", make, replacing);
}
