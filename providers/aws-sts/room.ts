/**
 * How much of a role's inline room is left for denials. All inline policies of a role share it, so what others wrote
 * there counts; a mint that could not be denied is refused (never mint what cannot be killed).
 */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { EpochMillis } from "../../src/kernel/time.ts";
import { passes, reasonOf, type AwsFault } from "./aws-fault.ts";
import { charactersOf, deniableIn, roleCharacters } from "./deny-document.ts";
import type { Iam } from "./iam.ts";
import type { AwsStsOptions } from "./options.ts";
import type { Role } from "./role.ts";

export interface Room {
  /** Characters for the broker's policy; measured anew where the last look is too old. */
  left(role: Role, signal: AbortSignal): Promise<Result<number, AwsFault>>;
  /** The next one measures. */
  forget(role: Role): void;
  /** Whether as many sessions as configured could be denied. */
  checked(role: Role, signal: AbortSignal): Promise<Result<void, RoomFault>>;
}
export interface RoomFault {
  readonly reason: string;
  readonly retryable: boolean;
}

/** Who edits policies of these roles by hand does it rarely; AWS refuses a policy for which there is no room. */
const freshMillis = 300_000;

export function createRoom(tools: {
  readonly options: AwsStsOptions;
  readonly iam: Iam;
  readonly policyName: string;
  readonly now: () => EpochMillis;
}): Room {
  const { options, iam, now } = tools;
  const known = new Map<string, { readonly characters: number; readonly at: EpochMillis }>();
  const underWay = new Map<string, Promise<Result<number, AwsFault>>>();

  async function measure(role: Role, signal: AbortSignal): Promise<Result<number, AwsFault>> {
    const names = await iam.policyNames(role.name, signal);
    if (!names.ok) return names;
    const others = names.value.filter((name) => name !== tools.policyName);
    const texts = await Promise.all(others.map((name) => iam.policy(role.name, name, signal)));
    let characters = roleCharacters;
    for (const text of texts) {
      if (!text.ok) return text;
      characters -= text.value === null ? 0 : charactersOf(text.value);
    }
    known.set(role.arn, { characters, at: now() });
    return ok(characters);
  }

  async function left(role: Role, signal: AbortSignal): Promise<Result<number, AwsFault>> {
    const last = known.get(role.arn);
    if (last !== undefined && Math.abs(now() - last.at) < freshMillis) return ok(last.characters);
    const measuring = underWay.get(role.arn) ?? measure(role, signal).finally(() => underWay.delete(role.arn));
    underWay.set(role.arn, measuring);
    return measuring;
  }

  return {
    left,
    forget: (role) => void known.delete(role.arn),
    async checked(role, signal) {
      const room = await left(role, signal);
      if (!room.ok) return err({ reason: `deny_policy_${reasonOf(room.fault)}`, retryable: passes(room.fault) });
      const wanted = options.overflow === "cutoff" ? 1 : options.maxSessions;
      return deniableIn(room.value) >= wanted ? ok() : err({ reason: "deny_policy_has_no_room", retryable: false });
    },
  };
}
