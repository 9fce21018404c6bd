/** The kinds of credential that real systems have, one of each: what is known when, what ends them, who can look. */
import type { Capabilities } from "../../../src/domain/capabilities.ts";
import { seconds } from "../../../src/kernel/time.ts";

export type ClassName = "role" | "cloud-key" | "opaque-token" | "replicated" | "session-token" | "login" | "own-token";

export interface CredentialClass {
  readonly handle: Capabilities["handle"];
  readonly revocation: Capabilities["revocation"];
  readonly nativeExpiry: Capabilities["nativeExpiry"];
  readonly probe: Capabilities["probe"];
  readonly mintsInProcess: boolean;
  /** Until a creation shows, and until a revocation takes effect everywhere. */
  readonly settleMillis: number;
}

const immediate = { kind: "immediate" } as const;
const settleMillis = 20_000;

export const credentialClasses: Readonly<Record<ClassName, CredentialClass>> = {
  /** Named by us, dropped at once, never ends by itself: a role or an ACL user. */
  role: { ...plain("pre-known", "none"), probe: "control-plane" },
  /** The system names it in its answer, and nobody can look. */
  "cloud-key": plain("returned", "full"),
  /** Only the value itself revokes it: RFC 7009. */
  "opaque-token": { ...plain("secret-itself", "full"), probe: "data-plane" },
  /** Both creation and revocation take a while to reach every replica. */
  replicated: {
    ...plain("pre-known", "full"),
    revocation: { kind: "eventual", settleSeconds: seconds(settleMillis / 1000) },
    settleMillis,
  },
  /** Nothing ends it but its expiry. */
  "session-token": { ...plain("returned", "full"), revocation: { kind: "expiry-only" } },
  /** Expiry stops new logins only. */
  login: { ...plain("pre-known", "new-logins-only"), probe: "data-plane" },
  /** Computed inside the broker; resource servers introspect. */
  "own-token": { ...plain("pre-known", "full"), mintsInProcess: true },
};

function plain(handle: CredentialClass["handle"], nativeExpiry: CredentialClass["nativeExpiry"]): CredentialClass {
  return { handle, revocation: immediate, nativeExpiry, probe: "none", mintsInProcess: false, settleMillis: 0 };
}

export const classNames = Object.keys(credentialClasses) as readonly ClassName[];

/** No credential of the simulation may live longer. */
export const longestLifeSeconds = 900;

export const capabilitiesOf = (name: ClassName): Capabilities => {
  const { handle, revocation, nativeExpiry, probe, mintsInProcess } = credentialClasses[name];
  return {
    ttl: {
      kind: "chosen",
      minSeconds: seconds(1),
      maxSeconds: seconds(longestLifeSeconds),
      granularitySeconds: seconds(1),
    },
    handle,
    revocation,
    nativeExpiry,
    probe,
    killsOpenSessions: true,
    listable: false,
    renewable: false,
    needsSecretToRevoke: handle === "secret-itself",
    bindsToKey: false,
    mintsInProcess,
  };
};
