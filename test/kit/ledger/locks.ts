/** Locks between nodes, and the mark that all of them share. */
import { expect } from "vitest";
import { addMillis, millis } from "../../../src/kernel/time.ts";
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
];

export function describeLocks(make: MakeHarness): void {
  describeRows("locks", make, rows);
}
