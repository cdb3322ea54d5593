export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;

const LEVELS: readonly string[] = ["debug", "info", "warn", "error", "silent"];

/**
 * JSON lines on stdout, the form that log collectors take. Callers name each field: headers, bodies and query strings,
 * where secrets travel, are never passed in, so there is nothing to redact but errors.
 */
export function createLog(threshold: LogLevel | "silent"): Log {
  const lowest = LEVELS.indexOf(threshold);
  return function log(level, message, fields) {
    if (LEVELS.indexOf(level) < lowest) return;
    const line = { time: new Date().toISOString(), level, message, ...fields };
    const cut = (_name: string, value: unknown) =>
      value instanceof Error ? describeError(value) : value;
    process.stdout.write(`${JSON.stringify(line, cut)}\n`);
  };
}

/**
 * Class and last line of the message: Prisma prints the arguments of the call above it, and those are personal data. The
 * log does so with every error that it is given. pg-boss copies an error into a plain object before it tells of it.
 */
export function describeError(thrown: unknown): string {
  const { name = "Error", message } = Object(thrown) as Partial<Error>;
  if (typeof message !== "string") return `thrown: ${typeof thrown}`;
  return `${name}: ${message.trim().split("\n").at(-1)?.slice(0, 300)}`;
}
