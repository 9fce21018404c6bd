/** JSON lines on the console, in the shape of those that the broker on Node writes. */
import type { Log, LogFields } from "../../ports/log.ts";
import type { LogLevel } from "../parse-setting.ts";

/** The platform tells severities apart by the console's method. */
type Severity = "info" | "warn" | "error";
type WriteLine = (severity: Severity, line: string) => void;

const ranks: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 };

export function createEdgeLog(level: LogLevel, write: WriteLine = (severity, line) => console[severity](line)): Log {
  const at =
    (severity: Severity) =>
    (event: string, fields?: LogFields): void => {
      if (ranks[severity] < ranks[level]) return;
      write(severity, JSON.stringify({ level: ranks[severity], time: new Date().toISOString(), event, ...fields }));
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}
