/** Scopes of kills and doors as operators write them: an object in bodies, `kind:name` in queries. */
import { parseName, type AgentName, type IssuerName, type ProviderName, type TemplateName } from "../domain/names.ts";
import type { KillScope } from "../domain/scope.ts";
import { parseTaskId } from "../kernel/ids.ts";
import type { KillScopeBody } from "./schemas/operate.ts";

/** Undefined for an id or a name that cannot exist. */
export function killScopeOf(body: KillScopeBody): KillScope | undefined {
  if (body.kind === "all") return { kind: "all" };
  return scopeOf(body.kind, body.kind === "task" ? body.id : body.name);
}

export function parseScopeText(text: string | undefined): KillScope | undefined {
  if (text === "all") return { kind: "all" };
  const colon = text?.indexOf(":") ?? -1;
  return text === undefined || colon < 0 ? undefined : scopeOf(text.slice(0, colon), text.slice(colon + 1));
}

function scopeOf(kind: string, text: string): KillScope | undefined {
  switch (kind) {
    case "task": {
      const id = parseTaskId(text);
      return id && { kind, id };
    }
    case "agent": {
      const name = parseName<AgentName>(text);
      return name && { kind, name };
    }
    case "template": {
      const name = parseName<TemplateName>(text);
      return name && { kind, name };
    }
    case "provider": {
      const name = parseName<ProviderName>(text);
      return name && { kind, name };
    }
    case "issuer": {
      const name = parseName<IssuerName>(text);
      return name && { kind, name };
    }
    default:
      return undefined;
  }
}
