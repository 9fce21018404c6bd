/**
 * What is wrong with a policy, where, and what to do. One run reports every fault that it can see. Values are not
 * repeated: someone may have pasted a secret into the wrong field.
 */
export interface PolicyFault {
  readonly file: string;
  /** 1-based; 1 and 1 for the file as a whole. */
  readonly line: number;
  readonly column: number;
  /** Dots between members, `spec.ttl.maxSeconds`; empty for the document as a whole. */
  readonly path: string;
  readonly message: string;
  readonly fix: string;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

export type Path = readonly (string | number)[];

/** Where a resource was read, and where each of its members stands. */
export interface Origin {
  readonly file: string;
  /** The member itself, or the nearest one around it that exists. */
  at(path: Path, part: "key" | "value"): Position;
}

export interface Problem {
  readonly path: Path;
  /** The key for a name that should not be there, the value (default) for all else. */
  readonly part?: "key" | "value";
  readonly message: string;
  readonly fix: string;
}

export function faultAt(origin: Origin, problem: Problem): PolicyFault {
  const { line, column } = origin.at(problem.path, problem.part ?? "value");
  return {
    file: origin.file,
    line,
    column,
    path: problem.path.join("."),
    message: problem.message,
    fix: problem.fix,
  };
}

const compareText = (left: string, right: string): number => Number(left > right) - Number(left < right);

export function compareFaults(left: PolicyFault, right: PolicyFault): number {
  return (
    compareText(left.file, right.file) ||
    left.line - right.line ||
    left.column - right.column ||
    compareText(left.message, right.message)
  );
}

/** `templates.yaml:12:5 spec.ttl: message; fix`, one line a fault. */
export const formatFault = (fault: PolicyFault): string => `${formatPlace(fault)}; ${fault.fix}`;

export function formatPlace({ file, line, column, path, message }: Omit<PolicyFault, "fix">): string {
  return `${file}:${line}:${column} ${path === "" ? "" : `${path}: `}${message}`;
}
