/** What a template or guardrail demands of a credential, against what its provider can do. */
import type { Capabilities } from "../domain/capabilities.ts";
import type { Requirements } from "./resources.ts";

export interface UnmetRequirement {
  /** Member of `requires`. */
  readonly field: keyof Requirements;
  readonly message: string;
}

export function unmetRequirements(requires: Requirements, capabilities: Capabilities): readonly UnmetRequirement[] {
  const unmet: UnmetRequirement[] = [];
  const { revocation, probe } = capabilities;
  if (requires.revocation !== null && !requires.revocation.includes(revocation.kind))
    unmet.push({ field: "revocation", message: `the provider's revocation is ${revocation.kind}` });
  if (requires.probe !== null && !requires.probe.includes(probe))
    unmet.push({ field: "probe", message: `the provider's probe is ${probe}` });
  if (requires.killsOpenSessions && !capabilities.killsOpenSessions)
    unmet.push({ field: "killsOpenSessions", message: "revocation does not end open sessions" });
  if (requires.proofOfPossession && !capabilities.bindsToKey)
    unmet.push({ field: "proofOfPossession", message: "the credential cannot be bound to a key" });
  return unmet;
}

/** Whether a credential may be killed before the provider would end it. */
export const canKillEarly = (capabilities: Capabilities): boolean =>
  capabilities.revocation.kind === "immediate" || capabilities.revocation.kind === "parent-kill";

/** The shortest life that the provider can give: what it mints may not be asked to end before, except by a kill. */
export const shortestLifeSeconds = ({ ttl }: Capabilities): number =>
  ttl.kind === "chosen" ? ttl.minSeconds : ttl.assumedMaxSeconds;

export const longestLifeSeconds = ({ ttl }: Capabilities): number =>
  ttl.kind === "chosen" ? ttl.maxSeconds : ttl.assumedMaxSeconds;
