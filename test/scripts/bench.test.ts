/** The parts of the bench that could lie without anyone noticing: its statistics, its flags and its report. */
import { describe, expect, it } from "vitest";
import { isMet, type Finding } from "../../scripts/bench/finding.ts";
import {
  derFromRaw,
  encodeHeader,
  generateKeyPair,
  openToken,
  privateKeyOf,
  publicKeyOf,
  signToken,
} from "../../scripts/bench/es256.ts";
import { goals, parseOptions } from "../../scripts/bench/options.ts";
import { formatReport, numberText } from "../../scripts/bench/report.ts";
import { createRounds } from "../../scripts/bench/rounds.ts";
import { median, percentile, ratiosOf, rotated, spreadOf } from "../../scripts/bench/statistics.ts";

describe("bench: statistics", () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2.5],
    [[1, 2, 3, 4, 5], 1, 5],
    [[1, 2, 3, 4, 5], 0, 1],
    [[10, 20], 0.99, 19.9],
    [[7], 0.99, 7],
  ])("percentile of %j at %d is %d", (values, part, expected) =>
    expect(percentile(values, part)).toBeCloseTo(expected),
  );

  it("has no percentile of nothing", () => expect(median([])).toBeNaN());

  it("takes ratios inside rounds", () => {
    expect(ratiosOf([10, 40], [10, 10])).toEqual({ median: 2.5, min: 1, max: 4, rounds: 2 });
    expect(() => ratiosOf([1, 2], [1])).toThrow("both sides");
  });

  it("lets no contender always follow the same one", () => {
    const firsts = [0, 1, 2].map((round) => rotated(["a", "b", "c"], round)[0]);
    expect(firsts).toEqual(["a", "b", "c"]);
    expect(rotated(["a", "b", "c"], 4)).toEqual(["b", "c", "a"]);
  });
});

describe("bench: flags", () => {
  it("measures all goals unless told", () => expect(parseOptions([]).only).toEqual(goals));

  it("reads what is asked for, in the order of the goals", () => {
    const options = parseOptions(["--quick", "--only", "G7,G1", "--only", "G3", "--json", "out.json", "--seed", "7"]);
    expect(options).toMatchObject({ quick: true, only: ["G1", "G3", "G7"], jsonFile: "out.json", seed: 7 });
  });

  it.each([
    [["--only", "G99"], "there is no goal G99"],
    [["--seed", "x"], "--seed must be a whole number"],
    [["--fast"], "--fast"],
    [["--without", "sqlite"], "--without knows one word"],
    [["--quick", "--large"], "do not go together"],
  ])("refuses %j", (args, message) => expect(() => parseOptions(args)).toThrow(message));
});

describe("bench: rounds", () => {
  const roundsUntil = (endsAt: number, quick: boolean) => {
    const said: string[] = [];
    const { rounds, notes } = createRounds({ endsAt, quick, say: (text) => void said.push(text) });
    return { seen: [...rounds("kill", 3, 2)], said, notes };
  };

  it.each([
    [false, [0, 1, 2]],
    [true, [0, 1]],
  ])("are all played where there is time, quick or not: %j", (quick, all) => {
    const { seen, said, notes } = roundsUntil(Infinity, quick);
    expect([seen, said.length, notes]).toEqual([all, all.length, []]);
  });

  it("end where time is up, never before the first, and the report says so", () => {
    const { seen, notes } = roundsUntil(-1, false);
    expect([seen, notes]).toEqual([[0], ["kill: 1 of 3 rounds, because the time was up."]]);
  });
});

describe("bench: report", () => {
  const finding: Finding = {
    goal: "G1",
    what: "cold issue",
    against: "speed of light",
    unit: "x",
    value: spreadOf([0.7, 0.8, 0.9]),
    bound: { atLeast: 0.8 },
  };
  const machine = {
    cpu: "a CPU",
    cores: 2,
    memoryGiB: 24,
    kernel: "Linux",
    fileSystem: "ext4",
    node: "24",
    openssl: "3",
    sqlite: "3",
    redis: null,
    pinned: false,
  };

  it("judges by the median", () => {
    expect(isMet(finding)).toBe(true);
    expect(isMet({ ...finding, bound: { atLeast: 0.81 } })).toBe(false);
    expect(isMet({ ...finding, bound: { atMost: 0.79 } })).toBe(false);
    expect(isMet({ ...finding, bound: { atMost: 0.8 } })).toBe(true);
  });

  it("says what was missed, and that nothing was pinned", () => {
    const missed = { ...finding, bound: { atLeast: 2 } };
    const text = formatReport({
      machine,
      findings: [missed],
      figures: [],
      notes: [],
      quick: true,
      large: false,
      seed: 1,
      seconds: 3,
    });
    expect(text).toContain("G1    cold issue / speed of light  0.80 [0.70-0.90] x  >= 2 x  not met");
    expect(text).toContain("not pinned");
    expect(text).toContain("no Redis");
  });

  it.each([
    [12_345.6, "12,346"],
    [123.4, "123"],
    [12.34, "12.3"],
    [1.234, "1.23"],
    [0, "0"],
  ])("writes %d as %s", (value, text) => expect(numberText(value)).toBe(text));
});

describe("bench: tokens", () => {
  const key = generateKeyPair("k");
  const token = signToken(encodeHeader({ alg: "ES256" }), { sub: "me" }, privateKeyOf(key));

  it("opens its own tokens and no others", () => {
    expect(openToken(token, publicKeyOf(key.publicJwk))).toEqual({ sub: "me" });
    expect(openToken(token, publicKeyOf(generateKeyPair("other").publicJwk))).toBeUndefined();
  });

  it("writes integers in their shortest form, with a clear sign bit", () => {
    const raw = Buffer.alloc(64);
    raw[31] = 0x7f;
    raw[63] = 0x80;
    expect([...derFromRaw(raw)]).toEqual([0x30, 7, 0x02, 1, 0x7f, 0x02, 2, 0, 0x80]);
  });
});
