/**
 * What a condition can see, as CEL values: whole numbers become CEL ints, objects become maps without a prototype.
 * Token claims and task context come from outside, so they are bounded here; a view that is too large fails every
 * condition rather than hiding a part of what `denyWhen` would look for.
 */
import type { Json, JsonObject } from "../kernel/canonical-json.ts";
import type { EpochMillis } from "../kernel/time.ts";

/** Members of one list or object: above the most groups that large directories put into a token (200). */
const maxMembers = 256;
const maxNodes = 4096;
const maxDepth = 8;

export interface ConditionFacts {
  readonly identity: { readonly issuer: string; readonly subject: string; readonly claims: JsonObject };
  readonly agent: { readonly name: string; readonly businessApprover: string; readonly technicalCustodian: string };
  readonly task: {
    readonly context: JsonObject;
    readonly automatic: boolean;
    readonly depth: number;
    readonly purpose: string | null;
    readonly ticket: string | null;
    /** Name of the profile that opened it. */
    readonly opener: string | null;
  };
  readonly parameters: JsonObject;
  readonly request: {
    readonly template: string;
    readonly provider: string;
    readonly actionClass: string;
    readonly sensitivity: string;
    /** As asked, else the template's default. */
    readonly ttlSeconds: number;
    readonly proofOfPossession: boolean;
  };
  readonly now: EpochMillis;
}

export type CelValue = string | bigint | number | boolean | null | readonly CelValue[] | ReadonlyMap<string, CelValue>;

/** Undefined when claims, context or parameters exceed the bounds. */
export type ConditionView = Readonly<Record<string, unknown>> | undefined;

/** The names and types that expressions are checked against; a member that is absent at run time is "no such key". */
export const viewTypes = {
  identity: { issuer: "string", subject: "string", claims: "map" },
  agent: { name: "string", businessApprover: "string", technicalCustodian: "string" },
  task: { context: "map", automatic: "bool", depth: "int", purpose: "string", ticket: "string", opener: "string" },
  request: {
    template: "string",
    provider: "string",
    actionClass: "string",
    sensitivity: "string",
    ttlSeconds: "int",
    proofOfPossession: "bool",
  },
} as const;

export function viewOf(facts: ConditionFacts): ConditionView {
  const budget = { nodes: maxNodes };
  const claims = celValueOf(facts.identity.claims, budget, 0);
  const context = celValueOf(facts.task.context, budget, 0);
  const parameters = celValueOf(facts.parameters, budget, 0);
  if (claims === undefined || context === undefined || parameters === undefined) return undefined;
  const { purpose, ticket, opener, depth, automatic } = facts.task;
  return {
    identity: { issuer: facts.identity.issuer, subject: facts.identity.subject, claims },
    agent: facts.agent,
    task: {
      context,
      automatic,
      depth: BigInt(depth),
      ...(purpose === null ? {} : { purpose }),
      ...(ticket === null ? {} : { ticket }),
      ...(opener === null ? {} : { opener }),
    },
    parameters,
    request: { ...facts.request, ttlSeconds: BigInt(facts.request.ttlSeconds) },
    now: new Date(facts.now),
  };
}

function celValueOf(value: Json, budget: { nodes: number }, depth: number): CelValue | undefined {
  budget.nodes -= 1;
  if (budget.nodes < 0 || depth > maxDepth) return undefined;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (isList(value)) {
    if (value.length > maxMembers) return undefined;
    const list: CelValue[] = [];
    for (const member of value) {
      const inner = celValueOf(member, budget, depth + 1);
      if (inner === undefined) return undefined;
      list.push(inner);
    }
    return list;
  }
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value);
  if (entries.length > maxMembers) return undefined;
  const map = new Map<string, CelValue>();
  for (const [key, member] of entries) {
    if (member === undefined) continue;
    const inner = celValueOf(member, budget, depth + 1);
    if (inner === undefined) return undefined;
    map.set(key, inner);
  }
  return map;
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
