/** What a kill can name. All but a task leave a door behind, closed until an operator opens it. */
import { brand } from "../kernel/brand.ts";
import type { TaskId } from "../kernel/ids.ts";
import type { AgentName, IssuerName, ProviderName, TemplateName } from "./names.ts";

export type DoorScope =
  | { readonly kind: "all" }
  | { readonly kind: "agent"; readonly name: AgentName }
  | { readonly kind: "template"; readonly name: TemplateName }
  | { readonly kind: "provider"; readonly name: ProviderName }
  | { readonly kind: "issuer"; readonly name: IssuerName };

export type KillScope = DoorScope | { readonly kind: "task"; readonly id: TaskId };

/** One text a scope, the key of its door. */
export function scopeKey(scope: KillScope): string {
  if (scope.kind === "all") return "all";
  return scope.kind === "task" ? `task:${scope.id}` : `${scope.kind}:${scope.name}`;
}

/** The inverse of `scopeKey` for the door of a store, which holds only what was written so. */
export function doorScopeFromKey(key: string): DoorScope {
  if (key === "all") return { kind: "all" };
  const [kind = "", name = ""] = key.split(":");
  switch (kind) {
    case "agent":
      return { kind, name: brand(name) };
    case "template":
      return { kind, name: brand(name) };
    case "provider":
      return { kind, name: brand(name) };
    case "issuer":
      return { kind, name: brand(name) };
    default:
      throw new Error("the store holds a door of a kind that this version does not know");
  }
}

/** The names that a lease or a task stands under; each may have a door. */
export interface Standing {
  readonly agent: AgentName;
  readonly issuer: IssuerName;
  readonly template?: TemplateName;
  readonly provider?: ProviderName;
}

/** Every door that must be open for this standing. */
export function doorKeysOf(standing: Standing): readonly string[] {
  const keys = ["all", `agent:${standing.agent}`, `issuer:${standing.issuer}`];
  if (standing.template !== undefined) keys.push(`template:${standing.template}`);
  if (standing.provider !== undefined) keys.push(`provider:${standing.provider}`);
  return keys;
}
