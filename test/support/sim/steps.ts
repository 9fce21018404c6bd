/** What can happen in a run, as plain data, so that fast-check can draw it, print it and leave parts of it out. */
import fc from "fast-check";
import { classNames, type ClassName } from "./classes.ts";
import { agentNames, type AgentText } from "./people.ts";
import type { DeathPoint } from "./store.ts";
import type { Climate } from "./world.ts";

export type Step = Act | Disturbance;

/** What people and programs do. */
export type Act =
  | {
      readonly do: "open";
      readonly agent: AgentText;
      readonly kinds: readonly ClassName[];
      readonly deadlineSeconds: number;
      readonly heartbeatSeconds: number | null;
      readonly parent: number | null;
      readonly byAgent: boolean;
    }
  | Exchange
  /** The same request again, to the letter. */
  | { readonly do: "repeat"; readonly exchange: number }
  /** Several exchanges and an end in one tick; the end goes in at `endAt`, if that is among them. */
  | { readonly do: "race"; readonly exchanges: readonly Exchange[]; readonly endAt: number; readonly task: number }
  | { readonly do: "end"; readonly task: number; readonly waitSeconds: number }
  | { readonly do: "heartbeat"; readonly task: number }
  | { readonly do: "kill"; readonly scope: KillTarget; readonly of: number }
  | { readonly do: "reopen"; readonly door: number }
  | { readonly do: "deleteLease" | "revokeToken"; readonly delivery: number }
  | { readonly do: "read"; readonly task: number }
  | { readonly do: "pause"; readonly kind: ClassName; readonly paused: boolean }
  | { readonly do: "elapse"; readonly millis: number };

/** What befalls them. */
export type Disturbance =
  | { readonly do: "crash"; readonly downMillis: number }
  | { readonly do: "crashAt"; readonly verbs: number; readonly when: DeathPoint; readonly downMillis: number }
  | { readonly do: "stop" }
  | { readonly do: "jump"; readonly millis: number }
  | { readonly do: "fixClock" }
  | { readonly do: "outage"; readonly kind: ClassName; readonly millis: number }
  | { readonly do: "misconfigure"; readonly kind: ClassName; readonly wrong: boolean }
  | { readonly do: "storeTrouble"; readonly unknown: number };

export type KillTarget = "all" | "agent" | "template" | "provider" | "issuer" | "task";

export interface Exchange {
  readonly do: "exchange";
  /** Null: a task of its own. */
  readonly task: number | null;
  readonly agent: AgentText;
  readonly kind: ClassName;
  readonly key: number | null;
  /** Which of the agent's once-only tokens. */
  readonly token: number;
  readonly ttlSeconds: number | null;
  readonly replaces: number | null;
  /** The client hangs up before the answer. */
  readonly gone: boolean;
}

export interface Plan {
  readonly climate: Climate;
  readonly steps: readonly Step[];
}

const index = fc.nat(30);
const kind = fc.constantFrom(...classNames);
const agent = fc.constantFrom(...agentNames);
/** Null once in `freq` draws. */
const orNull = <T>(arbitrary: fc.Arbitrary<T>, freq = 2): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { freq, nil: null });

const exchange: fc.Arbitrary<Exchange> = fc.record({
  do: fc.constant("exchange"),
  task: orNull(index, 8),
  agent,
  kind,
  key: orNull(fc.nat(3)),
  token: fc.nat(6),
  ttlSeconds: orNull(fc.integer({ min: 5, max: 900 })),
  replaces: fc.nat(9).chain((draw) => (draw < 2 ? index : fc.constant(null))),
  gone: fc.nat(7).map((draw) => draw === 7),
});

const open: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("open"),
  agent,
  kinds: fc.uniqueArray(kind, { minLength: 3, maxLength: classNames.length }),
  deadlineSeconds: fc.oneof(fc.integer({ min: 20, max: 120 }), fc.integer({ min: 300, max: 900 })),
  heartbeatSeconds: orNull(fc.integer({ min: 20, max: 120 })),
  parent: orNull(index),
  byAgent: fc.boolean(),
});

/** Mostly short, around the instants at which something falls due; now and then long enough for all to lapse. */
const span = fc.oneof(
  { weight: 14, arbitrary: fc.constantFrom(0, 5, 30, 60, 100, 300, 1_000, 3_000) },
  { weight: 7, arbitrary: fc.constantFrom(10_000, 15_000, 18_000, 35_000, 65_000) },
  { weight: 1, arbitrary: fc.constantFrom(310_000, 1_000_000) },
);
const downMillis = fc.constantFrom(600, 2_000, 20_000, 200_000);
const step = <S extends Step["do"]>(name: S) => fc.constant(name);

const steps: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Step> }[] = [
  { weight: 20, arbitrary: open },
  { weight: 26, arbitrary: exchange },
  { weight: 4, arbitrary: fc.record({ do: step("repeat"), exchange: fc.nat(3) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: step("race"),
      exchanges: fc.array(exchange, { minLength: 1, maxLength: 5 }),
      endAt: fc.nat(8),
      task: index,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: step("end"), task: index, waitSeconds: fc.constantFrom(0, 5) }) },
  { weight: 8, arbitrary: fc.record({ do: step("heartbeat"), task: index }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: step("kill"),
      scope: fc.constantFrom<KillTarget[]>("all", "agent", "template", "provider", "issuer", "task", "task"),
      of: index,
    }),
  },
  { weight: 9, arbitrary: fc.record({ do: step("reopen"), door: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("deleteLease" as const, "revokeToken" as const), delivery: index }),
  },
  { weight: 3, arbitrary: fc.record({ do: step("read"), task: index }) },
  { weight: 22, arbitrary: fc.record({ do: step("elapse"), millis: span }) },
  { weight: 2, arbitrary: fc.record({ do: step("crash"), downMillis }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: step("crashAt"),
      verbs: fc.integer({ min: 1, max: 8 }),
      when: fc.constantFrom<DeathPoint[]>("before", "queued", "committed"),
      downMillis,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: step("stop") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: step("jump"),
      millis: fc.constantFrom(-7_200_000, -90_000, -40_000, 20_000, 45_000, 90_000, 7_200_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: step("fixClock") }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: step("outage"), kind, millis: fc.constantFrom(5_000, 60_000, 900_000, 7_200_000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: step("misconfigure"), kind, wrong: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: step("pause"), kind, paused: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: step("storeTrouble"), unknown: fc.constantFrom(0, 0.05, 0.5) }) },
];

const climate: fc.Arbitrary<Climate> = fc.record({
  seed: fc.nat(),
  systemFaults: fc.constantFrom(0, 0.1, 0.3, 0.5),
  store: fc.record({ unknown: fc.constantFrom(0, 0, 0.03, 0.15), slow: fc.constantFrom(0, 0, 0.2, 0.6) }),
  skew: fc.integer({ min: -30_000, max: 200_000 }),
  generosity: fc.constantFrom(0, 0, 0.2),
});

export const planArbitrary: fc.Arbitrary<Plan> = fc.record({
  climate,
  // A run begins with work to do.
  steps: fc
    .tuple(
      fc.array(open, { maxLength: 2 }),
      fc.noBias(fc.array(fc.oneof(...steps), { minLength: 1, maxLength: 70, size: "max" })),
    )
    .map(([first, rest]) => [...first, ...rest]),
});
