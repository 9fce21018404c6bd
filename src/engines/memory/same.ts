/** Whether two plain values say the same, whatever the order of their members. Recognises a repeated command. */
export function same(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (!isRecord(left) || !isRecord(right) || Array.isArray(left) !== Array.isArray(right)) return false;
  const names = definedNames(left);
  if (names.length !== definedNames(right).length) return false;
  return names.every((name) => same(left[name], right[name]));
}

const definedNames = (value: Readonly<Record<string, unknown>>): string[] =>
  Object.keys(value).filter((name) => value[name] !== undefined);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
