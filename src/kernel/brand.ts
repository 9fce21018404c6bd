/**
 * Nominal types over primitives. `brand` is the only cast; call it where a value was just checked or made.
 */
declare const tag: unique symbol;

export type Brand<T, Name extends string> = T & { readonly [tag]: Name };

export function brand<B extends Brand<unknown, string>>(value: B extends Brand<infer T, string> ? T : never): B {
  return value as unknown as B;
}
