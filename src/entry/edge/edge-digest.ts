/** Digests without waiting. WebCrypto has nothing synchronous; Workers have Node's hash. */
import { createHash } from "node:crypto";
import { brand } from "../../kernel/brand.ts";
import type { Fingerprint, Sha256 } from "../../kernel/digest.ts";

export const edgeDigest: Sha256 = (text) => brand<Fingerprint>(createHash("sha256").update(text).digest("base64url"));

/** How Redis names a script. */
export const edgeSha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
