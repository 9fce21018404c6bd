/** Why a Redis ledger cannot be used: what is wrong, that nothing was changed, and what to do. Quotes no server text. */

export interface OpenFault {
  readonly reason:
    | "unreachable"
    | "wrong_password"
    | "forbidden"
    | "tls"
    | "bad_file"
    | "not_redis"
    | "too_old"
    | "replica"
    | "loading"
    | "evicts"
    | "weak"
    | "cluster_down"
    | "foreign"
    | "newer_format"
    | "other_shards"
    | "no_ledger"
    | "in_use"
    | "half_restored";
  readonly message: string;
  readonly fix: string;
}

const unchanged = "nothing was changed there";

export const openFault = (reason: OpenFault["reason"], message: string, fix: string): OpenFault => ({
  reason,
  message: `${message}; ${unchanged}`,
  fix,
});

const system = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE)$/;
const certificates =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO|ERR_OSSL_)/;

/** The fault that an error of a connection or of its first commands stands for. */
export function faultOfError(where: string, error: unknown): OpenFault {
  const code = codeOf(error);
  if (code === "WRONGPASS" || code === "NOAUTH" || code === "ERR_AUTH")
    return openFault(
      "wrong_password",
      `${where} refuses the user or the password`,
      "check the user in the URL, and MAYFLY_LEDGER_PASSWORD, MAYFLY_LEDGER_PASSWORD_FILE or ?password_file=",
    );
  if (code === "NOPERM")
    return openFault(
      "forbidden",
      `${where} forbids this user a command that the ledger needs`,
      "give the user ~PREFIX{*}:* and +@all -@dangerous +info +config|get +cluster|slots",
    );
  if (code === "LOADING")
    return openFault("loading", `${where} is still loading its data`, "wait until it is loaded, and start again");
  if (code === "MASTERDOWN" || code === "CLUSTERDOWN")
    return openFault("cluster_down", `${where} says that it is down`, "mend the cluster; every slot needs a master");
  if (certificates.test(code))
    return openFault(
      "tls",
      `no TLS connection to ${where} (${code})`,
      "check that the port speaks TLS, that ?ca= names the right CA, and that the certificate names that host",
    );
  return openFault(
    "unreachable",
    `${where} does not answer${system.test(code) ? ` (${code})` : ""}`,
    "check host and port, that the server runs, and that rediss:// is used where it wants TLS",
  );
}

/** A short code of our own choosing or the server's; never its text, which may quote what was sent. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  if ("code" in error && typeof error.code === "string") return error.code;
  const message = withoutPlace(error.message);
  const [first] = /^[A-Z]{2,20}\b/.exec(message) ?? [];
  // Servers before 6.2 say "ERR invalid password" and "ERR AUTH ...".
  if (first === undefined) return clientCodes.find(([text]) => message.startsWith(text))?.[1] ?? error.name;
  if (first === "ERR" && /password|AUTH/i.test(message)) return "ERR_AUTH";
  return first;
}

/** Before 7.0 a command that fails in a script is told behind where in the script it was. */
const withoutPlace = (message: string): string =>
  message.replace(/^ERR Error running script \(call to \w+\): (?:@user_script: ?\d+: )+-?/, "");

/** What the client library says by its text only. */
const clientCodes: readonly (readonly [text: string, code: string])[] = [
  ["Command timed out", "timeout"],
  ["Connection is closed", "disconnected"],
  ["Stream isn't writeable", "disconnected"],
  ["Socket timeout", "timeout"],
];
