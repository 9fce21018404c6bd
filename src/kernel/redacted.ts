/**
 * A secret that cannot be printed by accident. The value is a private field, which no spread, JSON, template string or
 * inspector shows. `reveal` may be called only in the files that a test lists.
 */
export class Redacted<T = string> {
  readonly label: string;
  #held: { readonly value: T } | undefined;

  constructor(value: T, label: string) {
    this.label = label;
    this.#held = { value };
  }

  /** The secret itself. Throws after `wipe`. */
  reveal(): T {
    if (this.#held === undefined) throw new Error(`${this.label} was wiped`);
    return this.#held.value;
  }

  wipe(): void {
    this.#held = undefined;
  }

  toString(): string {
    return `<redacted ${this.label}>`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
