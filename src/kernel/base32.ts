/** Crockford base32, lower case: sorts like the number it writes, has no look-alike letters, is safe in URLs. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** The number in `width` digits, most significant first. */
export function base32FromInteger(value: number, width: number): string {
  let rest = value;
  let text = "";
  for (let digit = 0; digit < width; digit += 1) {
    text = alphabet.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** The number that `base32FromInteger` wrote, or undefined for any other text. */
export function integerFromBase32(text: string): number | undefined {
  let value = 0;
  for (const letter of text) {
    const digit = alphabet.indexOf(letter);
    if (digit < 0) return undefined;
    value = value * 32 + digit;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}

/** One digit a byte (the low five bits), for random tags. */
export function base32FromBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += alphabet.charAt(byte & 31);
  return text;
}
