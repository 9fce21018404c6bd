/**
 * A form body (application/x-www-form-urlencoded), strict where OAuth is: no parameter twice, broken escapes refused
 * and not guessed at, an empty value as good as none (RFC 6749 §3.2).
 */
import { err, ok, type Result } from "../kernel/result.ts";
import { malformed, type HttpFault } from "./request-fault.ts";

/** Ask with `Object.hasOwn`: a plain object is much cheaper to fill than one without a prototype. */
export type Form = Readonly<Record<string, string>>;

export function parseForm(text: string): Result<Form, HttpFault> {
  const form: Record<string, string> = {};
  let hasEmpty = false;
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decode(pair.slice(equals + 1));
    if (name === undefined || value === undefined) return err(malformed("the form holds a broken escape"));
    if (name === "__proto__") return err(malformed("a parameter is called __proto__"));
    if (Object.hasOwn(form, name)) return err(malformed(`parameter ${name.slice(0, maxNameInMessage)} is there twice`));
    form[name] = value;
    hasEmpty ||= value === "";
  }
  return ok(hasEmpty ? Object.fromEntries(Object.entries(form).filter(([, value]) => value !== "")) : form);
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
