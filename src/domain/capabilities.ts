/** What a kind of credential can and cannot do, as data: policy decides by it, reports tell the truth by it. */
import type { Seconds } from "../kernel/time.ts";
import type { NativeExpiry } from "./lease.ts";

export interface Capabilities {
  readonly ttl: TtlCapability;
  /** When enough to revoke is known: chosen by us before mint, in the answer only, or only the secret itself. */
  readonly handle: "pre-known" | "returned" | "secret-itself";
  readonly revocation: Revocation;
  readonly nativeExpiry: NativeExpiry;
  readonly probe: "data-plane" | "control-plane" | "none";
  readonly killsOpenSessions: boolean;
  readonly listable: boolean;
  readonly renewable: boolean;
  readonly needsSecretToRevoke: boolean;
  readonly bindsToKey: boolean;
  /** The mint is a computation inside the broker: a crash in it leaves nothing behind anywhere. */
  readonly mintsInProcess: boolean;
}

export type TtlCapability =
  | {
      readonly kind: "chosen";
      readonly minSeconds: Seconds;
      readonly maxSeconds: Seconds;
      readonly granularitySeconds: Seconds;
    }
  /** The server decides; `assumedMaxSeconds` is what configuration vouches for. */
  | { readonly kind: "server-decides"; readonly assumedMaxSeconds: Seconds };

export type Revocation =
  | { readonly kind: "immediate" }
  | { readonly kind: "eventual"; readonly settleSeconds: Seconds }
  | { readonly kind: "parent-kill" }
  | { readonly kind: "expiry-only" };
