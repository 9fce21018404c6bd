/** A TrustedIssuer: whose tokens are believed. Every pin is mandatory; addresses are https unless loopback. */
import type { IssuerName } from "../../domain/names.ts";
import type { Result } from "../../kernel/result.ts";
import { seconds } from "../../kernel/time.ts";
import type { IssuerKeys, TrustedIssuer } from "../../domain/trusted-issuer.ts";
import type { Path, Problem } from "./fault.ts";
import { createProblems, settle, type Document, type Problems } from "./reader.ts";
import type { SpecOf } from "./schemas.ts";

export function readIssuer(document: Document<"TrustedIssuer">): Result<TrustedIssuer, readonly Problem[]> {
  const { spec } = document;
  const problems = createProblems();
  checkUrl(spec.issuer, ["spec", "issuer"], problems);
  if (spec.audience.includes("*"))
    problems.add({
      path: ["spec", "audience"],
      message: "must be one exact audience",
      fix: "write the broker's own URL",
    });
  const keys = readKeys(spec.keys, problems);
  return settle(
    problems,
    keys && {
      name: document.name as IssuerName,
      issuer: spec.issuer,
      audience: spec.audience,
      algorithms: spec.algorithms,
      keys,
      maxLifetimeSeconds: seconds(spec.maxLifetimeSeconds),
      replay: spec.replay,
      types: spec.types,
    },
  );
}

function readKeys(keys: SpecOf<"TrustedIssuer">["keys"], problems: Problems): IssuerKeys | undefined {
  const path = ["spec", "keys"];
  if (Object.keys(keys).length !== 1) {
    problems.add({ path, message: "must name exactly one source", fix: "write one of discovery: true, url, file" });
    return undefined;
  }
  if (keys.url !== undefined) {
    checkUrl(keys.url, [...path, "url"], problems);
    return { kind: "url", url: keys.url };
  }
  return keys.file === undefined ? { kind: "discovery" } : { kind: "file", path: keys.file };
}

const loopbackHosts = ["localhost", "127.0.0.1", "[::1]"];

function checkUrl(text: string, path: Path, problems: Problems): void {
  const url = URL.parse(text);
  if (url === null || url.host === "") {
    problems.add({ path, message: "is not an absolute URL", fix: "write it as https://host/path" });
    return;
  }
  const isLoopback = url.protocol === "http:" && loopbackHosts.includes(url.hostname);
  if (url.protocol !== "https:" && !isLoopback)
    problems.add({ path, message: "is not https", fix: "use https; plain http is for loopback addresses only" });
  if (url.username !== "" || url.password !== "")
    problems.add({ path, message: "holds a user name or password", fix: "remove them from the URL" });
  if (url.hash !== "" || url.search !== "" || text.includes("#") || text.includes("?"))
    problems.add({ path, message: "has a query or fragment", fix: "remove everything from ? or # on" });
}
