/** SHA-256 and HMAC-SHA-256 by WebCrypto, in the shape that the signer of requests wants. */

type SourceData = string | ArrayBuffer | ArrayBufferView;

export class WebSha256 {
  readonly #secret: Uint8Array<ArrayBuffer> | undefined;
  #parts: Uint8Array[] = [];

  constructor(secret?: SourceData) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret);
  }

  update(chunk: Uint8Array): void {
    this.#parts.push(bytesOf(chunk));
  }

  async digest(): Promise<Uint8Array> {
    const text = await new Blob(this.#parts.map(bytesOf)).arrayBuffer();
    if (this.#secret === undefined) return new Uint8Array(await crypto.subtle.digest("SHA-256", text));
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", this.#secret, algorithm, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
  }

  reset(): void {
    this.#parts = [];
  }
}

function bytesOf(data: SourceData): Uint8Array<ArrayBuffer> {
  if (typeof data === "string") return new TextEncoder().encode(data);
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}
