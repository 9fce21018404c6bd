/**
 * The broker as the OpenID Connect issuer that an AWS account trusts: discovery and keys on loopback, each key with the
 * certificate by which the RADOS gateway knows it. Its signer is what a provider signs with.
 */
import { execFile } from "node:child_process";
import { createHash, createPrivateKey, X509Certificate, type JsonWebKey } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateOpenIDConnectProviderCommand, IAMClient } from "@aws-sdk/client-iam";
import { serveOnLoopback } from "../../scripts/servers/loopback.ts";
import type { Rgw } from "../../scripts/servers/rgw.ts";
import { nodeSigning } from "../../src/entry/node-signing.ts";
import { generateSigningKeys } from "../../src/keys/generate.ts";
import { parseSigningKeys } from "../../src/keys/signing-keys.ts";
import { createSigningRing } from "../../src/keys/signing-ring.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { TokenSigner } from "../../src/ports/token-signer.ts";
import { realClock } from "./real-clock.ts";
import { statement } from "./rgw-world.ts";

export interface AwsIssuer {
  readonly issuerUrl: string;
  readonly signer: TokenSigner;
  /** The trust policy of a role that takes tokens with this subject. */
  trust(subject: string): JsonObject;
  /** Has the account trust this issuer. */
  register(rgw: Rgw): Promise<void>;
  close(): Promise<void>;
}

const audience = "sts.amazonaws.com";

export async function startAwsIssuer(): Promise<AwsIssuer> {
  const text = await generateSigningKeys();
  const [first] = (JSON.parse(text.reveal()) as { keys: { jwk: JsonWebKey }[] }).keys;
  const certificate = await certificateOf(first?.jwk ?? {});
  const keys = await parseSigningKeys(text);
  if (!keys.ok) throw new Error(keys.fault.message);
  const ring = await createSigningRing({ keys: keys.value, primitive: nodeSigning, now: () => realClock.now() });
  if (!ring.ok) throw new Error(ring.fault.message);
  const signer = ring.value;
  const served = await serveOnLoopback((request, response) => {
    const host = `http://${request.headers.host ?? ""}`;
    const metadata = { issuer: host, jwks_uri: `${host}/jwks`, id_token_signing_alg_values_supported: ["ES256"] };
    const published = signer.publicKeys().map((key) => ({ ...key, x5c: [certificate.toString("base64")] }));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.url === "/jwks" ? { keys: published } : metadata));
  });
  const name = new URL(served.url).host;
  return {
    issuerUrl: served.url,
    signer,
    trust: (subject) =>
      statement("Allow", {
        Principal: { Federated: [`arn:aws:iam:::oidc-provider/${name}`] },
        Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        Condition: { StringEquals: { [`${name}:sub`]: subject } },
      }),
    async register(rgw) {
      const iam = new IAMClient({ endpoint: rgw.url, region: "us-east-1", credentials: rgw.broker, maxAttempts: 1 });
      const thumbprint = createHash("sha1").update(certificate).digest("hex").toUpperCase();
      await iam.send(
        new CreateOpenIDConnectProviderCommand({
          Url: served.url,
          ClientIDList: [audience],
          ThumbprintList: [thumbprint],
        }),
      );
    },
    close: () => served.close(),
  };
}

/** A certificate that the key signs for itself, in DER. */
async function certificateOf(jwk: JsonWebKey): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "mayfly-issuer-"));
  try {
    const [keyFile, file] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const key = createPrivateKey({ key: jwk, format: "jwk" }).export({ type: "pkcs8", format: "pem" });
    await writeFile(keyFile, key, { mode: 0o600 });
    const wish = ["-x509", "-new", "-key", keyFile, "-subj", "/CN=broker", "-days", "2", "-out", file];
    await promisify(execFile)("openssl", ["req", ...wish]);
    return new X509Certificate(await readFile(file)).raw;
  } finally {
    await rm(folder, { recursive: true });
  }
}
