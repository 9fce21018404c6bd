/**
 * The Sealer: AES-256-GCM (NIST SP 800-38D) through WebCrypto. The additional data binds a seal to its lease and its
 * key id, so that a row moved to another lease does not open. Nonces are 96 random bits; a key should be rotated well
 * before it made 2^32 seals. Never answers why an opening failed beyond "unknown key" and "corrupt".
 */
import type { CryptoKey } from "jose";
import { base64UrlFromBytes, bytesFromBase64Url } from "../kernel/base64url.ts";
import type { Entropy } from "../kernel/entropy.ts";
import type { LeaseId } from "../kernel/ids.ts";
import { Redacted } from "../kernel/redacted.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { SealFault, Sealer } from "../ports/sealer.ts";
import type { SealingKeys } from "./sealing-keys.ts";

const nonceBytes = 12;
const tagBytes = 16;

export async function createSealingRing(ring: SealingKeys, entropy: Entropy): Promise<Sealer> {
  const keys = new Map<string, CryptoKey>();
  for (const [id, key] of ring.keys) keys.set(id, await importKey(key));
  const activeKey = keys.get(ring.active);
  if (activeKey === undefined) throw new Error("the active sealing key is not in its ring");

  return {
    keyIds: () => [...keys.keys()],

    async seal(secret, leaseId) {
      const nonce = ownBytes(entropy.bytes(nonceBytes));
      const parameters = gcm(nonce, ring.active, leaseId);
      const plain = new TextEncoder().encode(secret.reveal());
      const sealed = new Uint8Array(await crypto.subtle.encrypt(parameters, activeKey, plain));
      plain.fill(0);
      return `${ring.active}.${base64UrlFromBytes(nonce)}.${base64UrlFromBytes(sealed)}`;
    },

    async open(sealed, leaseId) {
      const parts = parseSealed(sealed);
      if (parts === undefined) return corrupt;
      const key = keys.get(parts.keyId);
      return key === undefined ? err({ reason: "unknown_key" }) : decrypt(key, parts, leaseId);
    },
  };
}

interface SealedParts {
  readonly keyId: string;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

function parseSealed(text: string): SealedParts | undefined {
  const [keyId, nonceText, sealedText, ...more] = text.split(".");
  if (!keyId || nonceText === undefined || sealedText === undefined || more.length > 0) return undefined;
  const nonce = bytesFromBase64Url(nonceText);
  const sealed = bytesFromBase64Url(sealedText);
  if (nonce?.length !== nonceBytes || sealed === undefined || sealed.length < tagBytes) return undefined;
  return { keyId, nonce: ownBytes(nonce), sealed: ownBytes(sealed) };
}

async function decrypt(key: CryptoKey, parts: SealedParts, leaseId: LeaseId): Promise<Result<Redacted, SealFault>> {
  try {
    const parameters = gcm(parts.nonce, parts.keyId, leaseId);
    const plain = await crypto.subtle.decrypt(parameters, key, parts.sealed);
    return ok(new Redacted(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain), "sealed secret"));
  } catch {
    return corrupt;
  }
}

const corrupt: Result<never, SealFault> = err({ reason: "corrupt" });

const gcm = (nonce: Uint8Array<ArrayBuffer>, keyId: string, leaseId: LeaseId) => ({
  name: "AES-GCM",
  iv: nonce,
  tagLength: tagBytes * 8,
  additionalData: new TextEncoder().encode(`mayfly seal 1\n${keyId}\n${leaseId}`),
});

const importKey = (key: Redacted<Uint8Array>): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", ownBytes(key.reveal()), "AES-GCM", false, ["encrypt", "decrypt"]);

/** WebCrypto takes no view of shared memory; a copy is never one. */
const ownBytes = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);
