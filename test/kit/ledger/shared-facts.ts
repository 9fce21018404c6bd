/** What nodes share: locks, the mark of the ledger, and what any of them has seen of a provider. */
import { expect } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import { targetName, type ProviderName } from "../../../src/domain/names.ts";
import { addMillis, millis } from "../../../src/kernel/time.ts";
import type { NoteProvider } from "../../../src/ports/ledger-commands.ts";
import type { ActivePage } from "../../../src/ports/ledger-views.ts";
import { ledgerTarget, providerName } from "../../support/builders.ts";
import { accepted, describeRows, refused, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const take = (bench: Bench, holder: string, name = "role-a") =>
  bench.ledger.takeLock({ name, holder, hold: millis(10_000) });
const release = (bench: Bench, holder: string, name = "role-a") => bench.ledger.releaseLock({ name, holder });

const rows: readonly Row[] = [
  [
    "one holds it, another is told until when, also after a restart",
    async (bench) => {
      const heldUntil = addMillis(bench.clock.now(), 10_000);
      expect(valueOf(await take(bench, "one"))).toEqual({ number: 1, heldUntil });
      expect(await take(bench, "two")).toEqual(refused("held", { heldUntil }));
      await bench.restart();
      expect(await take(bench, "two")).toEqual(refused("held", { heldUntil }));
      expect(await take(bench, "two", "role-b"), "another name").toMatchObject(accepted);
    },
  ],
  [
    "it lapses, and its number grows when it changes hands",
    async (bench) => {
      valueOf(await take(bench, "one"));
      bench.clock.advance(9_999);
      expect(await take(bench, "two")).toMatchObject(refused("held"));
      bench.clock.advance(1);
      expect(valueOf(await take(bench, "two")).number).toBe(2);
      expect(await take(bench, "one")).toMatchObject(refused("held"));
    },
  ],
  [
    "its holder takes it longer under the same number",
    async (bench) => {
      valueOf(await take(bench, "one"));
      bench.clock.advance(6_000);
      const longer = { number: 1, heldUntil: addMillis(bench.clock.now(), 10_000) };
      expect(valueOf(await take(bench, "one"))).toEqual(longer);
      bench.clock.advance(6_000);
      expect(await take(bench, "two")).toMatchObject(refused("held"));
    },
  ],
  [
    "given back it is free at once and the number goes on; another's release changes nothing",
    async (bench) => {
      valueOf(await take(bench, "one"));
      valueOf(await release(bench, "two"));
      expect(await take(bench, "two")).toMatchObject(refused("held"));
      valueOf(await release(bench, "one"));
      valueOf(await release(bench, "one"));
      expect(valueOf(await take(bench, "two")).number).toBe(2);
      valueOf(await release(bench, "two", "never-taken"));
    },
  ],
  [
    "the mark is ten plain characters, and stays over a restart",
    async (bench) => {
      const mark = await bench.ledger.mark();
      expect(mark).toMatch(/^[a-z0-9]{10}$/);
      await bench.restart();
      expect(await bench.ledger.mark()).toBe(mark);
    },
  ],
  [
    "what was seen of a provider is known after a restart, each by its last word",
    async (bench) => {
      const { ledger, clock } = bench;
      expect(await ledger.listProviderNotes()).toEqual([]);
      const [db, other] = [providerName("ledger-db"), providerName("other")];
      const note = async (provider: ProviderName, seen: NoteProvider["seen"]) =>
        valueOf(await bench.ledger.noteProvider({ provider, seen }));
      await note(db, { kind: "kill", digest: "system.first" });
      clock.advance(1000);
      await note(db, { kind: "kill", digest: "system.second" });
      await note(other, { kind: "reconciled" });
      const at = clock.now();
      await bench.restart();
      expect(await bench.ledger.listProviderNotes()).toEqual([
        { provider: db, kill: { digest: "system.second", at }, reconciled: null },
        { provider: other, kill: null, reconciled: { generation: 1, at } },
      ]);
      await note(db, { kind: "reconciled" });
      expect((await bench.ledger.listProviderNotes())[0]).toMatchObject({
        kill: { at },
        reconciled: { generation: 1 },
      });
    },
  ],
  [
    "active leases of a target are listed, each once, and nothing that dies or is another's",
    async (bench) => {
      const leases: Lease[] = [];
      const task = await bench.opened();
      for (let index = 0; index < 7; index += 1) leases.push(await bench.active(task));
      await bench.active(task, { lease: { provider: providerName("other") } });
      await bench.intended(task);
      const [dying, ...alive] = leases;
      if (dying !== undefined) await bench.dying(dying);
      const found: Lease[] = [];
      let after: string | null = null;
      do {
        const page: ActivePage = await bench.ledger.listActive({ target: ledgerTarget, after, limit: 2 });
        found.push(...page.leases);
        after = page.next;
      } while (after !== null);
      const ids = found.map(({ id }) => id).toSorted();
      expect(ids).toEqual(alive.map(({ id }) => id).toSorted());
      const nobody = targetName(providerName("nobody"));
      expect((await bench.ledger.listActive({ target: nobody, after: null, limit: 2 })).leases).toEqual([]);
    },
  ],
];

export function describeSharedFacts(make: MakeHarness): void {
  describeRows("what nodes share", make, rows);
}
