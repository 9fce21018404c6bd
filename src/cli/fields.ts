/** Members of a JSON answer, read with care: a missing or odd one is its empty value, never a crash. */
export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const textOf = (from: unknown, name: string): string => {
  const value = isFields(from) ? from[name] : undefined;
  return typeof value === "string" ? value : "";
};

/** The same, told apart from missing. */
export const optionalText = (from: unknown, name: string): string | null => {
  const value = isFields(from) ? from[name] : undefined;
  return typeof value === "string" && value !== "" ? value : null;
};

export const numberOf = (from: unknown, name: string): number => {
  const value = isFields(from) ? from[name] : undefined;
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
};

export const fieldsOf = (from: unknown, name: string): Fields => {
  const value = isFields(from) ? from[name] : undefined;
  return isFields(value) ? value : {};
};

export const listOf = (from: unknown, name: string): readonly Fields[] => {
  const value = isFields(from) ? from[name] : undefined;
  return Array.isArray(value) ? value.filter(isFields) : [];
};

export const textsOf = (from: unknown, name: string): readonly string[] => {
  const value = isFields(from) ? from[name] : undefined;
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
};
