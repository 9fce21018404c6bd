/** What a ledger on these servers could lose of what it answered, said plainly. */

import type { CouldLose } from "../../../ports/ledger-views.ts";

export type Durability =
  /** Every write is on the disk before it is answered. */
  | { readonly kind: "every_write"; readonly lossSeconds: 0; readonly isReplicated: boolean }
  /** Up to so many seconds are lost when the server or its machine dies; null for everything since it began. */
  | {
      readonly kind: "some_seconds";
      readonly lossSeconds: number | null;
      readonly isReplicated: boolean;
      readonly because: WeakSetting;
    };

export type WeakSetting = "appendfsync_everysec" | "appendfsync_no" | "appendonly_no" | "settings_unreadable";

/** Redis writes behind a slow disk for up to two seconds before it stops. */
const everysecLossSeconds = 2;
/** As long as Linux keeps a dirty page by default. */
const kernelLossSeconds = 30;

export interface PersistenceSettings {
  readonly appendOnly: boolean;
  /** Null where the user may not read it. */
  readonly appendFsync: string | null;
}

export function durabilityOf({ appendOnly, appendFsync }: PersistenceSettings, isReplicated: boolean): Durability {
  const weak = (because: WeakSetting, lossSeconds: number | null): Durability => ({
    kind: "some_seconds",
    lossSeconds,
    isReplicated,
    because,
  });
  if (!appendOnly) return weak("appendonly_no", null);
  switch (appendFsync) {
    case "always":
      return { kind: "every_write", lossSeconds: 0, isReplicated };
    case "everysec":
      return weak("appendfsync_everysec", everysecLossSeconds);
    case null:
      return weak("settings_unreadable", kernelLossSeconds);
    default:
      return weak("appendfsync_no", kernelLossSeconds);
  }
}

/** The weakest of several servers. */
export function weakest(all: readonly Durability[]): Durability {
  const loss = ({ lossSeconds }: Durability): number => lossSeconds ?? Number.POSITIVE_INFINITY;
  const [first, ...others] = all;
  if (first === undefined) throw new Error("no server");
  return others.reduce((worst, other) => (loss(other) > loss(worst) ? other : worst), first);
}

/** Of a loss that an operator accepts; `all` accepts any. */
export type AcceptedLoss = number | "all" | null;

export function isAccepted({ lossSeconds }: Durability, accepted: AcceptedLoss): boolean {
  if (lossSeconds === 0 || accepted === "all") return true;
  return lossSeconds !== null && accepted !== null && lossSeconds <= accepted;
}

/** Null where nothing that was answered could be lost. */
export const couldLoseOf = (durability: Durability): CouldLose | null =>
  durability.kind === "every_write" ? null : { seconds: durability.lossSeconds, because: reasons[durability.because] };

/** One sentence for doctor, the log and reports. */
export function describeDurability(durability: Durability): string {
  const replica = durability.isReplicated ? ", and on a replica" : "";
  if (durability.kind === "every_write") return `every write is on the disk${replica} before it is answered`;
  const { lossSeconds, because } = durability;
  const span = lossSeconds === null ? "all that was answered" : `the last ${lossSeconds} s of what was answered`;
  return `${span} could be lost when the server dies (${reasons[because]})`;
}

const reasons: Readonly<Record<WeakSetting, string>> = {
  appendfsync_everysec: "appendfsync everysec",
  appendfsync_no: "appendfsync no",
  appendonly_no: "appendonly no",
  settings_unreadable: "appendfsync is unknown: this user may not run CONFIG GET",
};

export const durabilityFix = (durability: Durability): string =>
  durability.kind === "some_seconds" && durability.because === "settings_unreadable"
    ? "give the user +config|get, or accept it with --accept-loss=SECONDS"
    : "set appendonly yes and appendfsync always (CONFIG SET takes both at once; also write them into redis.conf), or accept the loss with --accept-loss=SECONDS (`all` for any)";
