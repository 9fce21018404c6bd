/** A template's scope, parsed by its provider once at policy load and filled with parameters at each request. */
import type { Json } from "../kernel/canonical-json.ts";
import type { Result } from "../kernel/result.ts";
import type { Capabilities } from "./capabilities.ts";

export interface ScopeTemplate<Scope = unknown> {
  /** Names of the parameters that its placeholders use. */
  readonly placeholders: readonly string[];
  /** Capabilities of credentials of this scope; may be narrower than the provider's. */
  readonly capabilities: Capabilities;
  /** Names the system behind the provider, where it matters for fairness. */
  readonly system?: string;
  /**
   * How many credentials of the system may live or stay denied at a time, where each takes room there until it has surely
   * ended: no more are minted, so that each can be denied. Left out where a kill needs no room.
   */
  readonly capacity?: number;
  /** Where the credential is good, if the scope fixes one; `audience` and `resource` of a request must equal it. */
  readonly audience?: string;
  /** Parameters are already validated against the template's closed alphabets; encodes them for their slot. */
  fill(parameters: Readonly<Record<string, Json>>): Result<Scope, ScopeFault>;
}
export interface ScopeFault {
  /** Path inside the scope, dots between members. */
  readonly path: string;
  readonly message: string;
}
