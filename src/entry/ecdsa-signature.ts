/**
 * P-256 signatures between the two forms in which the world writes them: r and s side by side (64 bytes, RFC 7518
 * §3.4), and the DER sequence of two integers that OpenSSL speaks (X.690 §8.3: shortest form, sign bit clear).
 */
const half = 32;

/** Takes OpenSSL's own output; anything else is a bug and throws. */
export function rawFromDer(der: Uint8Array): Uint8Array {
  const raw = new Uint8Array(2 * half);
  const rEnd = copyInteger(der, 2, raw, half);
  const sEnd = copyInteger(der, rEnd, raw, 2 * half);
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || sEnd !== der.length) throw new Error("not a P-256 signature");
  return raw;
}

/** Copies the integer at `at`, right-aligned to `rawEnd`, and answers where the next one begins. */
function copyInteger(der: Uint8Array, at: number, raw: Uint8Array, rawEnd: number): number {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  const start = end - Math.min(length, half);
  const surplus = length - half;
  if (der[at] !== 0x02 || length === 0 || surplus > 1 || end > der.length) throw new Error("not a P-256 signature");
  raw.set(der.subarray(start, end), rawEnd - (end - start));
  return end;
}

/** Undefined unless it is exactly 64 bytes. */
export function derFromRaw(raw: Uint8Array): Uint8Array | undefined {
  if (raw.length !== 2 * half) return undefined;
  const der = new Uint8Array(longestDer);
  const rEnd = writeInteger(raw, 0, der, 2);
  const end = writeInteger(raw, half, der, rEnd);
  der[0] = 0x30;
  der[1] = end - 2;
  return der.subarray(0, end);
}

/** The header, and twice a header, a sign byte and the half. */
const longestDer = 2 + 2 * (3 + half);

/** Writes the half of `raw` at `from` as an integer to `at`, and answers where it ends. */
function writeInteger(raw: Uint8Array, from: number, der: Uint8Array, at: number): number {
  let start = from;
  while (start < from + half - 1 && raw[start] === 0) start += 1;
  const sign = (raw[start] ?? 0) >= 0x80 ? 1 : 0;
  const length = sign + from + half - start;
  der[at] = 0x02;
  der[at + 1] = length;
  for (let digit = start; digit < from + half; digit += 1) der[at + 2 + sign + digit - start] = raw[digit] ?? 0;
  return at + 2 + length;
}
