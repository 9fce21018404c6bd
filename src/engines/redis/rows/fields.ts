/** A row as scripts answer it: a flat list of names and values, or a JSON object. */
import { epochMillis, type EpochMillis } from "../../../kernel/time.ts";
import { numberOf, textOf, type Reply } from "../script.ts";

export interface Fields {
  has(name: string): boolean;
  text(name: string): string;
  optionalText(name: string): string | null;
  number(name: string): number;
  instant(name: string): EpochMillis;
  optionalNumber(name: string): number | null;
}

export function fieldsFrom(flat: readonly Reply[]): Fields {
  const values = new Map<string, Reply>();
  for (let index = 0; index + 1 < flat.length; index += 2) values.set(textOf(flat[index]), flat[index + 1] ?? null);
  return fieldsOf(values);
}

export function fieldsOf(values: ReadonlyMap<string, Reply>): Fields {
  return {
    has: (name) => values.has(name),
    text: (name) => textOf(values.get(name)),
    optionalText: (name) => (values.has(name) ? textOf(values.get(name)) : null),
    number: (name) => numberOf(values.get(name)),
    instant: (name) => epochMillis(numberOf(values.get(name))),
    optionalNumber: (name) => (values.has(name) ? numberOf(values.get(name)) : null),
  };
}
