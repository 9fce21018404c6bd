/**
 * Whether a session still works: the first byte of an object that it may read, asked of S3 as the agent would. Only
 * 403 says dead, and only after the same question was answered once (the core sees to that).
 */
import { SignatureV4 } from "@smithy/signature-v4";
import { Redacted } from "../../src/kernel/redacted.ts";
import { millis } from "../../src/kernel/time.ts";
import type { ProbeAnswer, ProbeRequest, ProviderTools } from "../../src/ports/provider.ts";
import { WebSha256 } from "./web-sha256.ts";
import type { AwsIdentity } from "./login.ts";
import type { S3Probe } from "./options.ts";

const timeout = millis(4_000);
const maxBytes = 64 * 1024;
/** SHA-256 of nothing. */
const emptyBodyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export async function probeAwsSts(
  probe: S3Probe,
  tools: Pick<ProviderTools, "http" | "now"> & { readonly region: string },
  { secret, signal }: Pick<ProbeRequest, "secret" | "signal">,
): Promise<ProbeAnswer> {
  if (secret === null) return { kind: "unclear", reason: "no_secret" };
  const url = new URL(`${probe.endpoint.replace(/\/$/, "")}/${probe.bucket}/${probe.key}`);
  const signer = new SignatureV4({
    service: "s3",
    region: tools.region,
    credentials: JSON.parse(secret.reveal()) as AwsIdentity,
    sha256: WebSha256,
    uriEscapePath: false,
  });
  const signed = await signer.sign(
    {
      method: "GET",
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { host: url.host, range: "bytes=0-0", "x-amz-content-sha256": emptyBodyDigest },
    },
    { signingDate: new Date(tools.now()) },
  );
  const { host: _host, authorization = "", "x-amz-security-token": token = "", ...headers } = signed.headers;
  const answer = await tools.http.send({
    method: "GET",
    url: url.href,
    headers,
    secretHeaders: {
      authorization: new Redacted(authorization, "signature"),
      "x-amz-security-token": new Redacted(token, "session token"),
    },
    timeout,
    maxBytes,
    signal,
  });
  if (!answer.ok) return { kind: "unclear", reason: answer.fault.reason };
  const { status } = answer.value;
  if (status === 200 || status === 206) return { kind: "alive" };
  return status === 403 ? { kind: "dead" } : { kind: "unclear", reason: `status_${status}` };
}
