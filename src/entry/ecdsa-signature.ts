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
  const r = integerOf(raw.subarray(0, half));
  const s = integerOf(raw.subarray(half));
  return Uint8Array.from([0x30, r.length + s.length, ...r, ...s]);
}

function integerOf(bytes: Uint8Array): readonly number[] {
  let start = 0;
  while (start < half - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  const padding = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  return [0x02, padding.length + digits.length, ...padding, ...digits];
}
