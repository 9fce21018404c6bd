/** Which methods a path takes, for 405 and OPTIONS. Looked up only when no endpoint matched. */
import type { Endpoint } from "./endpoint.ts";
import type { FaultShape } from "./respond.ts";

export interface KnownPath {
  /** The value of the Allow header (RFC 9110 §10.2.1). */
  readonly allow: string;
  readonly shape: FaultShape;
}

export function createPathIndex(endpoints: readonly Endpoint[]): { find(path: string): KnownPath | undefined } {
  const patterns = endpoints.map((endpoint) => ({ endpoint, segments: endpoint.path.split("/") }));
  return {
    find(path) {
      const segments = path.split("/");
      const here = patterns.filter((pattern) => isMatch(pattern.segments, segments)).map(({ endpoint }) => endpoint);
      const [first] = here;
      if (first === undefined) return undefined;
      const methods = here.map(({ method }) => method.toUpperCase());
      // Hono answers HEAD wherever it answers GET.
      if (methods.includes("GET")) methods.push("HEAD");
      return { allow: [...methods, "OPTIONS"].join(", "), shape: first.shape };
    },
  };
}

const isMatch = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.length === segments.length &&
  pattern.every((part, at) => (part.startsWith("{") ? segments[at] !== "" : part === segments[at]));
