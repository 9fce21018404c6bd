/** Looks for secrets in bytes, in every form in which software tends to write them down. */

export interface Secret {
  readonly name: string;
  readonly value: string | Uint8Array;
}

/** Below this a match could be chance, and base64 without its edges too short to look for. */
const minLength = 12;

/** Text, base64 and base64url at each alignment, hexadecimal, percent-encoded, form-encoded, as a JSON string. */
export function formsOf({ value }: Secret): ReadonlyMap<string, string> {
  const bytes = Buffer.from(value);
  if (bytes.length < minLength) throw new Error("a canary must be longer");
  const forms = new Map<string, string>();
  if (typeof value === "string") {
    forms.set("text", value);
    forms.set("JSON", JSON.stringify(value).slice(1, -1));
    forms.set("percent-encoded", encodeURIComponent(value));
    forms.set("form-encoded", new URLSearchParams([["", value]]).toString().slice(1));
  } else {
    forms.set("bytes", bytes.toString("latin1"));
  }
  forms.set("hex", bytes.toString("hex"));
  forms.set("HEX", bytes.toString("hex").toUpperCase());
  for (const alignment of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(alignment), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first characters hold bits of what stands before, the last of what follows.
    const inner = padded.slice(alignment === 0 ? 0 : alignment + 1, -2);
    forms.set(`base64+${alignment}`, inner);
    forms.set(`base64url+${alignment}`, inner.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return forms;
}

/** `secret as form` for each that is there. */
export function leaksIn(haystack: string | Uint8Array, secrets: readonly Secret[]): readonly string[] {
  const text = typeof haystack === "string" ? haystack : Buffer.from(haystack).toString("latin1");
  return secrets.flatMap((secret) =>
    [...formsOf(secret)].filter(([, form]) => text.includes(form)).map(([form]) => `${secret.name} as ${form}`),
  );
}
