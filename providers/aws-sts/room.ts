/**
 * How much of a role's inline room is left for denials. All inline policies of a role share it, so what others wrote
 * there counts; a mint that could not be denied is refused (never mint what cannot be killed).
 */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { EpochMillis } from "../../src/kernel/time.ts";
import { passes, reasonOf, type AwsFault } from "./aws-fault.ts";
import { charactersOf, deniableIn, maxOverflow, roleCharacters } from "./deny-document.ts";
import type { Iam } from "./iam.ts";
import type { AwsStsOptions } from "./options.ts";
import type { OverflowPolicy } from "./overflow-policy.ts";
import type { Role } from "./role.ts";

export interface Room {
  /** Characters for the broker's policy; measured anew where the last look is too old. */
  left(role: Role, signal: AbortSignal): Promise<Result<number, AwsFault>>;
  /** The next one measures. */
  forget(role: Role): void;
  /** Sessions that are issued before it are dead when they are made. */
  cutOff(role: Role, until: EpochMillis): void;
  /** Whether as many sessions as configured could be denied, and one that is made now would live. */
  checked(role: Role, signal: AbortSignal): Promise<Result<void, RoomFault>>;
}
export interface RoomFault {
  readonly reason: string;
  readonly retryable: boolean;
}

/** Who edits policies of these roles by hand does it rarely; AWS refuses a policy for which there is no room. */
const freshMillis = 300_000;

interface Tools {
  readonly options: AwsStsOptions;
  readonly iam: Iam;
  readonly overflowPolicy: OverflowPolicy | undefined;
  readonly policyName: string;
  readonly now: () => EpochMillis;
}

export function createRoom(tools: Tools): Room {
  const { options, iam, now } = tools;
  const known = new Map<string, { readonly characters: number; readonly at: EpochMillis }>();
  const cutoffs = new Map<string, EpochMillis>();
  const overflow = createOverflowRoom(tools);
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
    forget(role) {
      known.delete(role.arn);
      overflow.forget(role);
    },
    cutOff: (role, until) => void cutoffs.set(role.arn, until),
    async checked(role, signal) {
      if (now() < (cutoffs.get(role.arn) ?? 0)) return err({ reason: "role_is_cut_off", retryable: true });
      const room = await left(role, signal);
      if (!room.ok) return err({ reason: `deny_policy_${reasonOf(room.fault)}`, retryable: passes(room.fault) });
      const wanted = options.overflow === "cutoff" ? 1 : options.maxSessions;
      const own = deniableIn(room.value);
      if (own >= wanted) return ok();
      if (own + maxOverflow >= wanted) return overflow.checked(role, signal);
      return noRoom;
    },
  };
}

const noRoom = err<RoomFault>({ reason: "deny_policy_has_no_room", retryable: false });

/** Whether a role's overflow policy is of use. */
function createOverflowRoom({ overflowPolicy, now }: Pick<Tools, "overflowPolicy" | "now">) {
  const foundAt = new Map<string, EpochMillis>();
  return {
    forget: (role: Role): void => void foundAt.delete(role.arn),
    async checked(role: Role, signal: AbortSignal): Promise<Result<void, RoomFault>> {
      if (overflowPolicy === undefined) return noRoom;
      const last = foundAt.get(role.arn);
      if (last !== undefined && Math.abs(now() - last) < freshMillis) return ok();
      const found = await overflowPolicy.read(role, signal);
      if (!found.ok) {
        const { reason, kind } = found.fault.verdict;
        return err({ reason, retryable: kind === "retry" });
      }
      foundAt.set(role.arn, now());
      return ok();
    },
  };
}
