/**
 * Random steps as plain data, so that a failure shrinks and reads well. Numbers named `at` pick one of what exists when
 * the step runs; a step with nothing to pick is skipped.
 */
import fc from "fast-check";

export type Step =
  | {
      readonly kind: "open";
      readonly parentAt: number | null;
      readonly agent: number;
      readonly deadlineSeconds: number;
      readonly heartbeatSeconds: number | null;
      readonly limited: boolean;
    }
  | { readonly kind: "reopen"; readonly at: number }
  | { readonly kind: "beat"; readonly at: number }
  | { readonly kind: "end"; readonly at: number; readonly outcome: "completed" | "failed" | "killed" }
  | { readonly kind: "closeDoor" | "openDoor"; readonly door: number }
  | { readonly kind: "policy"; readonly agents: readonly string[] }
  | IntentStep
  | { readonly kind: "intendAgain"; readonly at: number }
  | {
      readonly kind: "complete";
      readonly at: number;
      readonly reject: boolean;
      readonly full: boolean;
      readonly alive: boolean;
    }
  | { readonly kind: "completeAgain"; readonly at: number; readonly otherData: boolean }
  | { readonly kind: "fail"; readonly at: number }
  | { readonly kind: "undo"; readonly at: number }
  | {
      readonly kind: "makeDue";
      readonly at: number;
      readonly killCause: "requested" | "undelivered" | "expiry";
      readonly delayMillis: number;
      readonly endsBackoff: boolean;
    }
  | { readonly kind: "closeOverdue" | "sweep" }
  | { readonly kind: "accept" }
  | {
      readonly kind: "claim";
      readonly target: number;
      readonly limit: number;
      readonly claimMillis: number;
      readonly twice: boolean;
    }
  | {
      readonly kind: "verdict";
      readonly claimAt: number;
      readonly leaseAt: number;
      readonly verdict: VerdictChoice;
      readonly jitterPercent: number;
    }
  | { readonly kind: "release"; readonly claimAt: number }
  | WorkStep
  | {
      readonly kind: "target";
      readonly target: number;
      readonly breaker: "open" | "closed" | null;
      readonly paused: boolean | null;
      readonly resetBackoff: boolean;
    }
  | { readonly kind: "advance"; readonly millis: number }
  /** To the next instant that the ledger itself names, or right beside it. */
  | { readonly kind: "pass"; readonly offsetMillis: number }
  | { readonly kind: "jump"; readonly millis: number }
  | { readonly kind: "outage"; readonly millis: number };

/** What a worker does: sweep, claim where something is due, judge all of it. */
export interface WorkStep {
  readonly kind: "work";
  readonly verdicts: readonly VerdictChoice[];
}

export interface IntentStep {
  readonly kind: "intend";
  readonly taskAt: number;
  readonly automatic: boolean;
  readonly target: number;
  readonly ttlSeconds: number;
  readonly mintSeconds: number;
  readonly expires: "full" | "none";
  readonly limits: readonly ("task" | "agent" | "all" | "rate")[];
  readonly key: number | null;
  readonly digest: number;
  readonly token: number | null;
  readonly replacesAt: number | null;
  readonly demandKillPath: boolean;
  readonly capacity: number | null;
  /** Completes at once: most runs need credentials to kill. */
  readonly complete: boolean;
}

export type VerdictChoice =
  | "dead-verified"
  | "dead-unverified"
  | "already-gone"
  | "pending"
  | "expires-only"
  | "retry"
  | "refused"
  | "native_expiry";

const at = fc.nat({ max: 30 });
const kind = <K extends string>(name: K) => fc.constant(name);
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 2 });
const mostlyNull = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
const rarely = fc.integer({ min: 0, max: 5 }).map((roll) => roll === 0);
const two = fc.nat({ max: 1 });

const intent = fc.record({
  kind: kind("intend"),
  taskAt: at,
  automatic: rarely,
  target: fc.nat({ max: 2 }),
  ttlSeconds: fc.constantFrom(10, 60, 300),
  mintSeconds: fc.constantFrom(5, 30),
  expires: fc.constantFrom("full", "none"),
  limits: fc.uniqueArray(fc.constantFrom("task", "agent", "all", "rate"), { minLength: 1, maxLength: 2 }),
  key: mostlyNull(fc.nat({ max: 2 })),
  digest: two,
  token: mostlyNull(fc.nat({ max: 2 })),
  replacesAt: mostlyNull(at),
  demandKillPath: fc.boolean(),
  capacity: fc.constantFrom(null, 3, 5),
  complete: fc.boolean(),
});

const short = fc.constantFrom(1, 500, 1000, 5000, 12_000, 30_000, 60_000, 61_000);
const long = fc.constantFrom(300_000, 600_000, 8 * 24 * 3_600_000);

const verdict = fc.constantFrom<VerdictChoice>(
  "dead-verified",
  "dead-unverified",
  "dead-unverified",
  "already-gone",
  "pending",
  "expires-only",
  "retry",
  "retry",
  "refused",
  "native_expiry",
);

const opening = fc.record({
  kind: kind("open"),
  parentAt: orNull(at),
  agent: two,
  deadlineSeconds: fc.constantFrom(30, 120, 3600, 2_592_000, 2_592_000),
  heartbeatSeconds: mostlyNull(fc.constantFrom(20, 60)),
  limited: fc.boolean(),
});
const completing = fc.record({ kind: kind("complete"), at, reject: rarely, full: fc.boolean(), alive: fc.boolean() });
const makingDue = fc.record({
  kind: kind("makeDue"),
  at,
  killCause: fc.constantFrom("requested", "undelivered", "expiry"),
  delayMillis: fc.constantFrom(0, 0, 5000, 600_000),
  endsBackoff: fc.boolean(),
});
const claiming = fc.record({
  kind: kind("claim"),
  target: fc.nat({ max: 2 }),
  limit: fc.constantFrom(1, 3, 50),
  claimMillis: fc.constantFrom(5000, 30_000),
  twice: rarely,
});
const judging = fc.record({
  kind: kind("verdict"),
  claimAt: fc.nat({ max: 2 }),
  leaseAt: at,
  verdict,
  jitterPercent: fc.nat({ max: 99 }),
});
const targeting = fc.record({
  kind: kind("target"),
  target: fc.nat({ max: 2 }),
  breaker: fc.constantFrom("open", "closed", "closed", null),
  paused: fc.constantFrom(true, false, false, false, null),
  resetBackoff: fc.boolean(),
});
const advancing = fc.oneof({ weight: 6, arbitrary: short }, { weight: 1, arbitrary: long });
const jumping = fc.constantFrom(-7_200_000, 7_200_000, -30_000, 30_000);

const weighted: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<Step>])[] = [
  [10, opening],
  [2, fc.record({ kind: kind("reopen"), at })],
  [4, fc.record({ kind: kind("beat"), at })],
  [3, fc.record({ kind: kind("end"), at, outcome: fc.constantFrom("completed", "failed", "killed") })],
  [2, fc.record({ kind: kind("closeDoor"), door: fc.nat({ max: 5 }) })],
  [3, fc.record({ kind: kind("openDoor"), door: fc.nat({ max: 5 }) })],
  [1, fc.record({ kind: kind("policy"), agents: fc.subarray(["agent-0", "agent-1"], { minLength: 1 }) })],
  [26, intent],
  [2, fc.record({ kind: kind("intendAgain"), at })],
  [8, completing],
  [4, fc.record({ kind: kind("completeAgain"), at, otherData: rarely })],
  [2, fc.record({ kind: kind("fail"), at })],
  [3, fc.record({ kind: kind("undo"), at })],
  [8, makingDue],
  [1, fc.record({ kind: kind("closeOverdue") })],
  [6, fc.record({ kind: kind("sweep") })],
  [14, claiming],
  [16, judging],
  [2, fc.record({ kind: kind("release"), claimAt: fc.nat({ max: 2 }) })],
  [9, fc.record({ kind: kind("work"), verdicts: fc.array(verdict, { minLength: 1, maxLength: 3 }) })],
  [3, targeting],
  [8, fc.record({ kind: kind("advance"), millis: advancing })],
  [10, fc.record({ kind: kind("pass"), offsetMillis: fc.constantFrom(-1, 0, 0, 1, 250) })],
  [1, fc.record({ kind: kind("jump"), millis: jumping })],
  [2, fc.record({ kind: kind("accept") })],
  [3, fc.record({ kind: kind("outage"), millis: fc.constantFrom(0, 0, 15_000, 70_000) })],
];

/** Weights follow what a broker does: much issuing and killing, few doors and broken clocks. */
export const anyStep = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));

export const anySteps = fc.array(anyStep, { minLength: 1, maxLength: 50, size: "max" });
