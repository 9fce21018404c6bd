/**
 * A form body (application/x-www-form-urlencoded), strict where OAuth is: no parameter twice, broken escapes refused,
 * an empty value is as good as none (RFC 6749 §3.2). Several times faster than URLSearchParams on a body that is
 * mostly one long token.
 */
import { err, ok, type Result } from "../kernel/result.ts";
import { malformed, type HttpFault } from "./request-fault.ts";

/** Has no prototype: a parameter called `constructor` is just a parameter. */
export type Form = Readonly<Record<string, string>>;

export function parseForm(text: string): Result<Form, HttpFault> {
  const form: Record<string, string> = Object.create(null);
  const seen = new Set<string>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decode(pair.slice(equals + 1));
    if (name === undefined || value === undefined) return err(malformed("the form holds a broken escape"));
    if (seen.has(name)) return err(malformed(`parameter ${name.slice(0, maxNameInMessage)} is there twice`));
    seen.add(name);
    if (value !== "") form[name] = value;
  }
  return ok(form);
}

const maxNameInMessage = 40;

function decode(text: string): string | undefined {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return undefined;
  }
}
