/**
 * The end of every `switch` over a union: the compiler refuses a missing arm, and a value that
 * slipped past the types (a row written by a newer version) is a loud bug instead of a silent default.
 */
export function unreachable(value: never): never {
  throw new Error(`unhandled variant: ${JSON.stringify(value)}`);
}
