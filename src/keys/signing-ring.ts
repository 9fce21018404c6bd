/**
 * The TokenSigner: compact JWS (RFC 7515 §7.1) with the ring's active key. A token is accepted only with a header that
 * is, byte for byte, one that this ring writes for that key and `typ`: no header of a stranger is ever parsed, so
 * none can choose an algorithm, a key, or a `crit` extension. Times in the claims are the caller's to judge.
 */
import { base64UrlFromBytes, bytesFromBase64Url } from "../kernel/base64url.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import { maxAttestationBytes } from "../kernel/limits.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { EpochMillis } from "../kernel/time.ts";
import type { TokenSigner } from "../ports/token-signer.ts";
import type { KeyRingFault } from "./fault.ts";
import { isMembers } from "./ring-json.ts";
import type { RingKey } from "./signing-keys.ts";
import type { SignBytes, SigningPrimitive, VerifyBytes } from "./signing-primitive.ts";

interface LoadedKey {
  readonly key: RingKey;
  readonly sign: SignBytes;
  readonly verify: VerifyBytes;
}

export async function createSigningRing(options: {
  keys: readonly RingKey[];
  primitive: SigningPrimitive;
  now: () => EpochMillis;
}): Promise<Result<TokenSigner, KeyRingFault>> {
  const loaded: LoadedKey[] = [];
  for (const key of options.keys) {
    const one = await loadKey(key, options.primitive);
    if (one === undefined) return err({ path: "keys", message: `holds a key whose halves do not fit: ${key.keyId}` });
    loaded.push(one);
  }
  const active = loaded.find(({ key }) => key.state === "active");
  if (active === undefined) return err({ path: "keys", message: "holds no active key" });
  return ok(ringOf(loaded, active, options.now));
}

function ringOf(loaded: readonly LoadedKey[], active: LoadedKey, now: () => EpochMillis): TokenSigner {
  const headers = new Map<string, string>();
  const accepted = (): readonly LoadedKey[] =>
    loaded.filter(({ key }) => key.state !== "retired" || now() < key.acceptUntil);

  return {
    sign({ type, claims }) {
      let header = headers.get(type);
      if (header === undefined) headers.set(type, (header = headerOf(active.key, type)));
      const input = `${header}.${base64UrlFromText(JSON.stringify(claims))}`;
      const signature = active.sign(new TextEncoder().encode(input));
      return signature instanceof Uint8Array
        ? `${input}.${base64UrlFromBytes(signature)}`
        : signature.then((bytes) => `${input}.${base64UrlFromBytes(bytes)}`);
    },

    publicKeys: () => accepted().map(({ key }) => key.publicJwk),

    async verify(token, type) {
      if (token.length > maxAttestationBytes) return undefined;
      const [header, payload, signature, ...more] = token.split(".");
      if (payload === undefined || signature === undefined || more.length > 0) return undefined;
      const key = accepted().find((one) => headerOf(one.key, type) === header);
      const bytes = bytesFromBase64Url(signature);
      if (key === undefined || bytes === undefined) return undefined;
      const isOurs = await key.verify(new TextEncoder().encode(`${header}.${payload}`), new Uint8Array(bytes));
      return isOurs ? claimsOf(payload) : undefined;
    },
  };
}

const headerOf = (key: RingKey, type: string): string =>
  base64UrlFromText(JSON.stringify({ alg: key.algorithm, typ: type, kid: key.keyId }));

/** ASCII, which nearly all claims are, needs no trip through bytes. */
function base64UrlFromText(text: string): string {
  if (!isAscii.test(text)) return base64UrlFromBytes(new TextEncoder().encode(text));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
const isAscii = /^[\u0020-\u007e]*$/;

/** Signed by us, so written by us; a payload that does not parse is a bug that must not pass as a token. */
function claimsOf(payload: string): JsonObject | undefined {
  const bytes = bytesFromBase64Url(payload);
  if (bytes === undefined) return undefined;
  const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return isMembers(claims) ? (claims as JsonObject) : undefined;
}

/** Loads a key and proves, by one signature, that its halves belong together. */
async function loadKey(key: RingKey, primitive: SigningPrimitive): Promise<LoadedKey | undefined> {
  try {
    const sign = await primitive.signer(key);
    const verify = await primitive.verifier(key);
    const sample = new TextEncoder().encode(`mayfly key check ${key.keyId}`);
    const fits = await verify(sample, new Uint8Array(await sign(sample)));
    return fits ? { key, sign, verify } : undefined;
  } catch {
    return undefined;
  }
}
