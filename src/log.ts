export type LogLevel = "debug" | "info" | "warn" | "error";
type Fields = Record<string, unknown> & { time?: never; level?: never; message?: never };
export type Log = (level: LogLevel, message: string, fields?: Fields) => void;

const LEVELS: readonly string[] = ["debug", "info", "warn", "error", "silent"];

/**
 * JSON lines on stdout, the form that log collectors take. Callers name each field: headers, bodies and query strings,
 * where secrets travel, are never passed in, so there is nothing to redact but errors.
 */
export function createLog(threshold: LogLevel | "silent"): Log {
  const lowest = LEVELS.indexOf(threshold);
  return function log(level, message, fields) {
    if (LEVELS.indexOf(level) < lowest) return;
    const time = new Date().toISOString();
    // Put together as text: to copy the fields into one object costs as much as all else.
    const rest = fields === undefined ? "{}" : inJson(fields);
    const comma = rest === "{}" ? "" : ",";
    print(
      `{"time":"${time}","level":"${level}","message":${JSON.stringify(message)}${comma}${rest.slice(1)}\n`,
    );
    // Whoever warns may be about to end.
    if (level === "warn" || level === "error") flush();
  };
}

/** A function that looks at each value doubles what a line costs, and those of requests hold nothing to look at. */
function inJson(fields: Fields): string {
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === "object" && value !== null) return JSON.stringify(fields, cut);
  }
  return JSON.stringify(fields);
}

function cut(_name: string, value: unknown): unknown {
  return value instanceof Error ? describeError(value) : value;
}

/** Lines of the last moment. Each write is a call of the system, which costs more than all else of a line. */
let waiting = "";
const MOST_WAITING = 64 * 1024;
const WAITING_MILLIS = 5;
process.once("exit", flush);

function print(line: string): void {
  if (waiting === "") setTimeout(flush, WAITING_MILLIS).unref();
  waiting += line;
  if (waiting.length > MOST_WAITING) flush();
}

function flush(): void {
  const lines = waiting;
  waiting = "";
  if (lines !== "") process.stdout.write(lines);
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
