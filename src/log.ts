export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;

const LEVELS: readonly string[] = ["debug", "info", "warn", "error", "silent"];

/**
 * JSON lines on stdout, the form that log collectors take. Callers name each field: headers, bodies and query strings,
 * where secrets travel, are never passed in, so there is nothing to redact.
 */
export function createLog(threshold: LogLevel | "silent"): Log {
  const lowest = LEVELS.indexOf(threshold);
  return function log(level, message, fields) {
    if (LEVELS.indexOf(level) < lowest) return;
    process.stdout.write(
      `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`,
    );
  };
}
