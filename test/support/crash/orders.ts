/** What the test tells the broker program over IPC, and what the program says on its standard output, a line each. */
import type { Effect, Side } from "./port-calls.ts";

/** The nth call of that name since the order, or the instant in which it took effect. */
export interface Point {
  readonly name: string;
  readonly occurrence: number;
  readonly side: Side;
}

export type Order =
  | { readonly order: "record" }
  | { readonly order: "freeze"; readonly point: Point }
  /** Sets the clock ahead: now, or in the instant in which the call begins. */
  | { readonly order: "advance"; readonly millis: number; readonly at?: string };

export type Said =
  | { readonly said: "done" }
  | { readonly said: "call"; readonly name: string; readonly effect: Effect; readonly side: Side }
  | { readonly said: "frozen" }
  /** Told at the mint, so that the test knows tokens that nobody was given. */
  | { readonly said: "minted"; readonly token: string };
