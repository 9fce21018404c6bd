/**
 * A secret that cannot be printed by accident. The value lives in a WeakMap, so no spread, JSON, template string or
 * inspector shows it. `reveal` may be called only in the files that a test lists.
 */
const values = new WeakMap<object, unknown>();

export class Redacted<T = string> {
  readonly label: string;

  constructor(value: T, label: string) {
    this.label = label;
    values.set(this, value);
  }

  /** The secret itself. Throws after `wipe`. */
  reveal(): T {
    if (!values.has(this)) throw new Error(`${this.label} was wiped`);
    return values.get(this) as T;
  }

  wipe(): void {
    values.delete(this);
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
