/** What becomes known of a mint after its lease began to die: it was made after all, or it certainly never was. */
import { expect } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import { millis } from "../../../src/kernel/time.ts";
import { operator } from "../../support/builders.ts";
import { accepted, describeRows, refused, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const idsOf = (leases: readonly Lease[]) => leases.map((lease) => lease.id);

const due = async (bench: Bench, { id: leaseId }: Lease) =>
  valueOf(await bench.ledger.makeDue({ leaseId, killCause: "requested", delay: millis(0), cause: operator }));

const late: readonly Row[] = [
  [
    "a late completion is stored and due at once, with its outcome known",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      bench.clock.advance(60_000);
      const claim = await bench.claim();
      await bench.judge(
        { lease, fence: claim.fence },
        { kind: "retry", reason: "not found yet", after: millis(60_000) },
      );
      bench.clock.advance(1000);
      const { outcome, lease: stored } = valueOf(
        await bench.ledger.completeMint(
          bench.completeMint(lease, { handle: { name: "real" }, sealed: "k1.nonce.kept" }),
        ),
      );
      expect(outcome).toBe("closed");
      const state = {
        kind: "revoking",
        cause: "outcome_unknown",
        outcomeUnknown: false,
        attempts: 1,
        dueAt: bench.clock.now(),
      };
      expect(stored).toMatchObject({ handle: { name: "real" }, sealed: "k1.nonce.kept", state });
      expect((await bench.claim()).leases).toMatchObject([{ id: lease.id, handle: { name: "real" } }]);
    },
  ],
  [
    "a late completion takes the lease from a claim that knows no handle, so that its word ends nothing",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      bench.clock.advance(60_000);
      const blind = await bench.claim();
      expect(idsOf(blind.leases)).toEqual([lease.id]);
      expect(valueOf(await bench.ledger.completeMint(bench.completeMint(lease))).outcome).toBe("closed");
      const gone = { leaseId: lease.id, fence: blind.fence, outcome: { kind: "already-gone" }, jitter: 0 } as const;
      expect(await bench.ledger.recordVerdict(gone)).toEqual(refused("fence_lost"));
      expect(await bench.state(lease.id)).toMatchObject({ kind: "revoking", dueAt: bench.clock.now() });
    },
  ],
  [
    "a repeat of a late completion answers the same, and after its death nothing is completed",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      bench.clock.advance(60_000);
      await bench.claim();
      const command = bench.completeMint(lease, { sealed: "k1.nonce.kept" });
      const first = await bench.ledger.completeMint(command);
      expect(await bench.ledger.completeMint(command)).toEqual(first);
      await bench.judge(await bench.claim().then(({ fence }) => ({ lease, fence })), { kind: "dead-unverified" });
      expect(await bench.ledger.completeMint(command)).toEqual(refused("not_intended"));
    },
  ],
];

/** A kill overtook the mint, and then the provider's answer came: it certainly made nothing. */
const failing = (lease: Lease) => ({ leaseId: lease.id, reason: "quota", cause: operator });

const doomed: readonly (readonly [name: string, doom: (bench: Bench, lease: Lease) => Promise<unknown>])[] = [
  [
    "whose task ended",
    async (bench, lease) => (await bench.ended((await bench.task(lease.taskId)).task), await bench.sweep()),
  ],
  ["that was given up", (bench, lease) => due(bench, lease)],
  ["whose time for the mint was over", async (bench) => (bench.clock.advance(60_000), await bench.claim())],
  [
    "that is stuck",
    async (bench, lease) => bench.judge(await bench.dying(lease), { kind: "refused", reason: "denied", fix: "grant" }),
  ],
];

const neverMinted: readonly Row[] = [
  ...doomed.map(([name, doom]): Row => [
    `an intent ${name} never was a credential once its mint is known to have failed`,
    async (bench) => {
      const limit = { limit: "liveLeases", counter: "template:ledger-read", max: 1 };
      const lease = await bench.intended(await bench.opened(), { limits: [limit] });
      await doom(bench, lease);
      const failed = await bench.ledger.failMint(failing(lease));
      expect(failed).toMatchObject(accepted);
      expect(await bench.ledger.failMint(failing(lease)), "a repeat answers the same").toEqual(failed);
      await bench.restart();
      expect(await bench.state(lease.id)).toEqual({ kind: "mint_failed", deadAt: bench.clock.now(), reason: "quota" });
      bench.clock.advance(3_600_000);
      expect((await bench.claim()).leases, "nothing is revoked").toEqual([]);
      await bench.intended(await bench.opened(), { limits: [limit] });
    },
  ]),
  [
    "the attempt under way loses its claim, and its word changes nothing",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      const { fence } = await bench.dying(lease);
      valueOf(await bench.ledger.failMint(failing(lease)));
      const verdict = { leaseId: lease.id, fence, outcome: { kind: "dead-unverified" }, jitter: 0 } as const;
      expect(await bench.ledger.recordVerdict(verdict)).toEqual(refused("fence_lost"));
      expect(valueOf(await bench.ledger.releaseClaim({ fence }))).toEqual({ released: 0 });
      expect(await bench.state(lease.id)).toMatchObject({ kind: "mint_failed" });
    },
  ],
  [
    "what was minted after all is not failed",
    async (bench) => {
      const lease = await bench.intended(await bench.opened());
      await due(bench, lease);
      valueOf(await bench.ledger.completeMint(bench.completeMint(lease)));
      expect(await bench.ledger.failMint(failing(lease))).toEqual(refused("not_intended"));
    },
  ],
];

export function describeLateMints(make: MakeHarness): void {
  describeRows("late mints: completed", make, late);
  describeRows("late mints: failed", make, neverMinted);
}
