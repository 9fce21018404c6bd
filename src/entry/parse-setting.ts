/** Settings that every runtime has, parsed alike; only where they are written differs. */
import { err, ok, type Result } from "../kernel/result.ts";

export interface ConfigFault {
  readonly setting: string;
  readonly message: string;
  readonly fix: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export const isTrue = (text: string | undefined): boolean => text === "1" || text === "true";

interface IssuerText {
  /** As an operator writes it. */
  readonly setting: string;
  readonly text: string;
  readonly mode: "production" | "development";
  /** What allows plain http. */
  readonly developmentSetting: string;
}

export function parseIssuer({ setting, text, mode, developmentSetting }: IssuerText): Result<string, ConfigFault> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.protocol === "http:" && mode === "development";
  if (
    url === undefined ||
    !(url.protocol === "https:" || plain) ||
    url.search !== "" ||
    url.hash !== "" ||
    url.username !== ""
  ) {
    return err({
      setting,
      message: url?.protocol === "http:" ? `"${text}" is plain http` : `"${text}" is not an issuer URL`,
      fix: `write an https URL without query, fragment and password (RFC 8414 §2); plain http is for ${developmentSetting}`,
    });
  }
  return ok(text.replace(/\/$/, ""));
}

const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

export function parseLogLevel(setting: string, text: string): Result<LogLevel, ConfigFault> {
  const level = logLevels.find((known) => known === text);
  if (level !== undefined) return ok(level);
  return err({ setting, message: `"${text}" is not a level`, fix: `use one of ${logLevels.join(", ")}` });
}
