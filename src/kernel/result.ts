/**
 * Expected failure as a value. Anything a caller can cause is a `Result`; `throw` is for bugs only.
 */
export type Ok<T> = { readonly ok: true; readonly value: T };
export type Err<F> = { readonly ok: false; readonly fault: F };
export type Result<T, F> = Ok<T> | Err<F>;

export function ok(): Ok<void>;
export function ok<T>(value: T): Ok<T>;
export function ok<T>(value?: T): Ok<T | undefined> {
  return { ok: true, value };
}

export function err<F>(fault: F): Err<F> {
  return { ok: false, fault };
}
