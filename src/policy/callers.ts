/**
 * Which registered profile a verified identity is, and what profiles may do. Exactly one profile must match: an
 * identity that fits two is nobody, because guessing would hand it the wider grant.
 */
import type { Identity } from "../domain/identity.ts";
import type { AgentName, IssuerName, TemplateName } from "../domain/names.ts";
import { matchesAny } from "./pattern.ts";
import type { AgentProfile, BoundPolicy } from "./resources.ts";

/** Exact subjects are looked up; globs are walked, per issuer. */
export interface CallerIndex {
  readonly exact: ReadonlyMap<string, readonly AgentProfile[]>;
  readonly globs: ReadonlyMap<IssuerName, readonly AgentProfile[]>;
}

/** Issuer names hold no line break, so the key is unambiguous. */
const keyOf = (issuer: IssuerName, subject: string): string => `${issuer}\n${subject}`;

export function indexCallers(profiles: Iterable<AgentProfile>): CallerIndex {
  const exact = new Map<string, AgentProfile[]>();
  const globs = new Map<IssuerName, AgentProfile[]>();
  for (const profile of profiles) {
    const { issuer, subject } = profile.identity;
    if (subject.exact) append(exact, keyOf(issuer, subject.text), profile);
    else append(globs, issuer, profile);
  }
  return { exact, globs };
}

function append<K>(lists: Map<K, AgentProfile[]>, key: K, profile: AgentProfile): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [profile]);
  else list.push(profile);
}

export function findProfile(
  policy: Pick<BoundPolicy, "callers">,
  identity: Pick<Identity, "issuer" | "subject" | "claims">,
): AgentProfile | undefined {
  const { issuer, subject, claims } = identity;
  const named = policy.callers.exact.get(keyOf(issuer, subject)) ?? [];
  const patterned = policy.callers.globs.get(issuer) ?? [];
  const matching = [...named, ...patterned.filter((profile) => profile.identity.subject.matches(subject))].filter(
    (profile) => hasClaims(profile, claims),
  );
  return matching.length === 1 ? matching[0] : undefined;
}

const hasClaims = (profile: AgentProfile, claims: Identity["claims"]): boolean =>
  Object.entries(profile.identity.claims).every(
    ([name, value]) => Object.hasOwn(claims, name) && claims[name] === value,
  );

/** Whether an orchestrator may open a task for this agent with all of these templates. */
export function mayOpenFor(profile: AgentProfile, agent: AgentName, templates: readonly TemplateName[]): boolean {
  if (profile.role.kind !== "orchestrator") return false;
  const allowed = profile.role.mayOpenFor;
  return matchesAny(allowed.agents, agent) && templates.every((name) => matchesAny(allowed.templates, name));
}
