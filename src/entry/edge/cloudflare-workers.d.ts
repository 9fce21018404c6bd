/** What this project uses of the runtime's own module, and what is put into a Worker when it is built. */
declare module "cloudflare:workers" {
  import type { DurableObjectState } from "@cloudflare/workers-types";

  export abstract class DurableObject<Env = unknown> {
    protected readonly ctx: DurableObjectState;
    protected readonly env: Env;
    constructor(ctx: DurableObjectState, env: Env);
  }

  /** The Worker's bindings, also outside a request. */
  export const env: Readonly<Record<string, unknown>>;
}

/** The policy folder as `scripts/worker/bundle-policy.ts` found it. */
declare module "#policy" {
  const files: readonly { readonly path: string; readonly text: string }[];
  export default files;
}
