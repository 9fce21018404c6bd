/** A certificate authority and what it signed, made now with openssl, for servers on loopback that speak TLS. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Files of PEM. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A CA and a certificate for 127.0.0.1, made now. */
export function makeCertificates(folder: string): Certificates {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "ignore" });
  const [ca, caKey, cert, key, request, names] = [
    "ca.pem",
    "ca.key",
    "cert.pem",
    "key.pem",
    "request.pem",
    "names",
  ].map(at);
  if (!ca || !caKey || !cert || !key || !request || !names) throw new Error("no names");
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", caKey, "-out", ca, "-days", "2", "-subj", "/CN=Mayfly test CA");
  openssl("req", ...newKey, "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1");
  writeFileSync(names, "subjectAltName=IP:127.0.0.1\n");
  const signing = ["-CA", ca, "-CAkey", caKey, "-CAcreateserial", "-days", "2", "-extfile", names];
  openssl("x509", "-req", "-in", request, "-out", cert, ...signing);
  return { ca, cert, key };
}
