/** JSON lines on stderr through pino; stdout belongs to the data of commands. */
import { pino } from "pino";
import type { Log } from "../ports/log.ts";
import type { LogLevel } from "./parse-setting.ts";

export function createNodeLog(level: LogLevel): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
  return {
    info: (event, fields) => logger.info({ event, ...fields }),
    warn: (event, fields) => logger.warn({ event, ...fields }),
    error: (event, fields) => logger.error({ event, ...fields }),
  };
}
