/** The flags of `npm run bench`. */
import { parseArgs } from "node:util";

/** Those with an r are the Redis engine's, and need a redis-server. */
const redisGoals = ["G7r", "G9r", "G10r", "G11r", "G12r", "G13r", "G16r"] as const;
export const goals = [
  "G1",
  "G2",
  "G3",
  "G4",
  "G6",
  "G7",
  "G8",
  "G10",
  "G11",
  "G12",
  "G13",
  "G14",
  "G16",
  "G9e",
  ...redisGoals,
] as const;
export type Goal = (typeof goals)[number];

export interface BenchOptions {
  readonly quick: boolean;
  /** Also with a million live leases on Redis. */
  readonly large: boolean;
  readonly only: readonly Goal[];
  /** Where the JSON document goes; null writes none. */
  readonly jsonFile: string | null;
  /** The folder on whose disk durability is measured; null takes the system's temporary one. */
  readonly dir: string | null;
  readonly seed: number;
  readonly help: boolean;
}

export const help = `Usage: npm run bench [-- OPTIONS]

Measures the broker on this machine against what this machine can do at all (its own crypto, disk and HTTP, measured
in the same rounds) and against peers (oidc-provider with private_key_jwt, BullMQ jobs). Figures are ratios of one round; shown
are the median and the range of all rounds. Servers run on the last core, whoever asks them on the first.

Options:
  --quick           fewer and shorter rounds: under 2 minutes instead of under 10, and wider ranges
  --large           also G7r, G10r and G12r with a million live leases on Redis: some minutes and 2 GB of memory more
  --only GOAL,...   only these: ${goals.join(", ")}
  --without redis   leave out the goals of the Redis engine: those with an r
  --json FILE       write everything that was measured to FILE
  --dir DIR         measure the disk of DIR instead of the one with the temporary folder
  --seed NUMBER     of the random arrivals of G6; 1 unless told
  --help            this text

Progress goes to stderr, the table to stdout. Exit code 0: all was measured, whether or not a goal was met; 1: some
failed, which the report names.
`;

/** Throws an error whose text is for the user. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean" },
      large: { type: "boolean" },
      only: { type: "string", multiple: true },
      without: { type: "string", multiple: true },
      json: { type: "string" },
      dir: { type: "string" },
      seed: { type: "string" },
      help: { type: "boolean" },
    },
  });
  const seed = Number(values.seed ?? 1);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error("--seed must be a whole number, as in --seed 7");
  if (values.quick === true && values.large === true) throw new Error("--quick and --large do not go together");
  return {
    quick: values.quick === true,
    large: values.large === true,
    only: without(values.without ?? [], chosen(values.only ?? [])),
    jsonFile: values.json ?? null,
    dir: values.dir ?? null,
    seed,
    help: values.help === true,
  };
}

function chosen(lists: readonly string[]): readonly Goal[] {
  const names = lists.flatMap((list) => list.split(",")).filter((name) => name !== "");
  const unknown = names.filter((name) => !goals.some((goal) => goal === name));
  if (unknown.length > 0) throw new Error(`there is no goal ${unknown.join(", ")}; there are ${goals.join(", ")}`);
  return names.length === 0 ? goals : goals.filter((goal) => names.includes(goal));
}

export const needsRedis = (goal: Goal): boolean => redisGoals.some((name) => name === goal);

function without(parts: readonly string[], asked: readonly Goal[]): readonly Goal[] {
  if (parts.some((part) => part !== "redis")) throw new Error("--without knows one word: redis");
  return parts.length === 0 ? asked : asked.filter((goal) => !needsRedis(goal));
}
