/**
 * Nominal types over primitives. `brand` is the only cast; call it where a value was just checked or made.
 */
declare const tag: unique symbol;

export type Brand<T extends string | number, Name extends string> = T & { readonly [tag]: Name };

export function brand<B extends string | number>(value: B extends string ? string : number): B {
  return value as B;
}
