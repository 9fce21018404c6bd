/** base64url without padding (RFC 4648 §5), strict: the decoder accepts only what the encoder writes. */
const wellFormed = /^[A-Za-z0-9_-]*$/;

export function base64UrlFromBytes(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes, or undefined for padding, white space, other letters or stray trailing bits. */
export function bytesFromBase64Url(text: string): Uint8Array | undefined {
  if (!wellFormed.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return base64UrlFromBytes(bytes) === text ? bytes : undefined;
}
