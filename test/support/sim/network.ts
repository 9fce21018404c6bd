/**
 * The way between a broker and the simulated systems: slow, lossy, and by seed. A call lands or not and its answer
 * arrives or not, independently. A request on the wire when its caller gave up or died may still land a moment later.
 */
import type { ClassName } from "./classes.ts";
import type { Random } from "./random.ts";
import type { Owner, SimTime } from "./time.ts";

export type CallKind = "mint" | "revoke" | "probe";

export type CallResult<T> =
  | { readonly kind: "answered"; readonly value: T }
  /** The system said that it did nothing. */
  | { readonly kind: "refused"; readonly status: 403 | 429 }
  /** Nobody knows whether it landed. */
  | { readonly kind: "lost" };

const faultKinds = {
  /** 429: certainly nothing done. */
  throttled: 3,
  /** 5xx before it took effect. */
  failsBefore: 3,
  /** It took effect, the answer got lost. */
  failsAfter: 4,
  /** Takes effect around or past the caller's patience. */
  lands_late: 4,
  hangs: 2,
  /** Says done and did nothing; for a mint or a probe: lost. */
  lies: 2,
} as const;
type FaultKind = keyof typeof faultKinds;

export interface Network {
  call<T>(request: CallRequest<T>): Promise<CallResult<T>>;
  setFaultRate(rate: number): void;
  /** The system cannot be reached for so long. */
  outage(kind: ClassName, span: number): void;
  /** The system refuses the broker's own credentials. */
  misconfigure(kind: ClassName, isWrong: boolean): void;
  /** Everything works again. */
  heal(): void;
  /** Whether a request or an answer is on its way. */
  isBusy(): boolean;
  readonly injected: { faults: number };
}

export interface CallRequest<T> {
  readonly call: CallKind;
  readonly kind: ClassName;
  readonly owner: Owner;
  readonly signal: AbortSignal;
  readonly effect: () => T;
  /** What a lying system answers in place of the effect; without one it loses the answer. */
  readonly lie?: () => T;
}

/** Beyond this nothing lands any more: it stays below the margin that the broker waits after its own cancellation. */
const afterlifeMillis = 1_500;
/** From sending to taking effect, for what nobody cancels: a server that is slower drops the request. */
const longestLandingMillis = 16_400;

export function createNetwork(tools: { time: SimTime; random: Random; systems: Owner }): Network {
  const { time, random, systems } = tools;
  const outages = new Map<ClassName, number>();
  const misconfigured = new Set<ClassName>();
  const injected = { faults: 0 };
  let faultRate = 0;

  const pause = (span: number): Promise<void> => new Promise((resolve) => void time.after(systems, span, resolve));

  /** Mostly around the instant at which the caller gives up. */
  const late = (): number => random.between(random.chance(0.3) ? 5_000 : 14_000, longestLandingMillis);

  function draw(): FaultKind | null {
    if (!random.chance(faultRate)) return null;
    injected.faults += 1;
    return random.pick(faultKinds);
  }

  /** Waits for the moment at which the request lands; false when it never does, because the caller is gone. */
  async function travel(span: number, request: { signal: AbortSignal; owner: Owner }): Promise<boolean> {
    const survives = random.chance(0.5);
    const afterlife = random.between(0, afterlifeMillis);
    const { promise: cut, resolve } = Promise.withResolvers<"cut">();
    const cutOff = (): void => resolve("cut");
    request.signal.addEventListener("abort", cutOff);
    const arrived = await Promise.race([pause(span), cut]);
    request.signal.removeEventListener("abort", cutOff);
    if (arrived === "cut") {
      if (!survives) return false;
      await pause(afterlife);
      return true;
    }
    return request.owner.alive || survives;
  }

  return {
    injected,
    setFaultRate: (rate) => void (faultRate = rate),
    outage: (kind, span) => void outages.set(kind, time.physical() + span),
    misconfigure: (kind, isWrong) => void (isWrong ? misconfigured.add(kind) : misconfigured.delete(kind)),
    heal() {
      faultRate = 0;
      outages.clear();
      misconfigured.clear();
    },
    isBusy: () => time.isWaiting(systems),
    async call(request) {
      time.activity.count += 1;
      const { kind, effect, lie } = request;
      const isOut = (outages.get(kind) ?? 0) > time.physical();
      if (isOut && random.chance(0.2)) return new Promise(() => {});
      const quick = random.between(0, 40);
      await pause(quick);
      if (isOut) return { kind: "lost" };
      if (misconfigured.has(kind)) return { kind: "refused", status: 403 };
      const fault = draw();
      if (fault === "throttled") return { kind: "refused", status: 429 };
      if (fault === "failsBefore") return { kind: "lost" };
      if (fault === "lies") return lie === undefined ? { kind: "lost" } : { kind: "answered", value: lie() };
      const landed = await travel(fault === "lands_late" ? late() : quick, request);
      if (!landed) return { kind: "lost" };
      const value = effect();
      time.activity.count += 1;
      if (fault === "hangs") return new Promise(() => {});
      await pause(quick);
      return fault === "failsAfter" ? { kind: "lost" } : { kind: "answered", value };
    },
  };
}
