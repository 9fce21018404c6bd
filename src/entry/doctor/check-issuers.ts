/**
 * Each trusted issuer: whether its keys can be fetched as the broker would, and whether its clock agrees with ours. An
 * issuer's `Date` is the only foreign clock that a broker can see without asking a stranger.
 */
import { parseKeySet } from "../../attest/key-set.ts";
import { loadKeySetText, type LoadFault, type LoadText } from "../../attest/key-location.ts";
import { attestationSkewMillis } from "../../kernel/limits.ts";
import { ok, type Result } from "../../kernel/result.ts";
import type { TrustedIssuer } from "../../domain/trusted-issuer.ts";
import type { HttpAnswer, HttpClient, HttpFault, HttpRequest } from "../../ports/http-client.ts";
import { systemClock } from "../system-clock.ts";
import { fail, fine, warn, type Finding } from "./finding.ts";

export async function checkIssuer(
  issuer: TrustedIssuer,
  tools: { http: HttpClient; loadText: LoadText },
): Promise<readonly Finding[]> {
  const check = `issuer ${issuer.name}`;
  const watch = createDateWatch(tools.http);
  const loaded = await loadKeySetText(issuer, { http: watch.http, loadText: tools.loadText });
  if (!loaded.ok) {
    return [fail(check, `its keys cannot be had (${loaded.fault})`, fixOf(issuer, loaded.fault))];
  }
  const count = parseKeySet(loaded.value)?.keys.length ?? 0;
  const keys =
    count > 0
      ? fine(check, `${count} usable ${count === 1 ? "key" : "keys"}`)
      : fail(check, "its key set holds no usable key", "check that the address serves a JWK set (RFC 7517)");
  return [keys, ...watch.findings(check)];
}

function fixOf({ keys }: TrustedIssuer, fault: LoadFault): string {
  if (fault === "refused_url")
    return "production calls https URLs only, written the plain way; plain http to this host is for --development";
  const place =
    keys.kind === "file"
      ? `${keys.path} must be a file that this user may read (a relative path begins in the working directory)`
      : "check the issuer's URL and the way to it";
  return `${place}; its attestations are refused meanwhile`;
}

/** Notes the `Date` of what passes (RFC 9110 §6.6.1, whole seconds). */
function createDateWatch(http: HttpClient) {
  let skewMillis: number | null = null;
  return {
    http: {
      async send(request: HttpRequest): Promise<Result<HttpAnswer, HttpFault>> {
        const before = systemClock.now();
        const answer = await http.send(request);
        const theirs = answer.ok ? Date.parse(answer.value.headers["date"] ?? "") : Number.NaN;
        if (!answer.ok || Number.isNaN(theirs)) return answer;
        const ours = (before + systemClock.now()) / 2;
        skewMillis = Math.max(0, Math.abs(theirs + 500 - ours) - 500);
        return ok(answer.value);
      },
    },
    findings(check: string): Finding[] {
      if (skewMillis === null) return [];
      const seconds = Math.round(skewMillis / 1000);
      const clock = `clock against ${check}`;
      const fix = "set this host's clock by NTP; lifetimes of attestations and credentials are judged by it";
      if (skewMillis > attestationSkewMillis) return [fail(clock, `${seconds} s apart`, fix)];
      return [skewMillis > attestationSkewMillis / 6 ? warn(clock, `${seconds} s apart`, fix) : fine(clock, "agree")];
    },
  };
}
