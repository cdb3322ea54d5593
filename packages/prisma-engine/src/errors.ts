import pg from "pg";

/** An error that the Prisma CLI shows by its code, as it does those of the native engine. */
export class EngineError extends Error {
  readonly code: string;
  readonly meta: Record<string, unknown>;

  constructor(code: string, message: string, meta: Record<string, unknown> = {}) {
    super(message);
    this.name = "EngineError";
    this.code = code;
    this.meta = meta;
  }
}

const UNREACHABLE_HINT =
  "Is it running? `bun dev` starts a development server; DATABASE_URL names another one.";

/** Gives the failure to open a connection Prisma's code, where it has one. */
export function connectionError(err: unknown, { host, port, database, user }: pg.Client): Error {
  const server = `\`${host}:${port}\``;
  const { message, code } = err as Error & { code?: string };

  // Whatever does not come from the server means that there is none to speak to.
  if (!(err instanceof pg.DatabaseError)) {
    if (/SSL|TLS|certificate/i.test(message))
      return new EngineError("P1011", `Error opening a TLS connection: ${message}`);
    const problem = `Can't reach database server at ${server} (${message || code}).`;
    return new EngineError("P1001", `${problem}\n\n${UNREACHABLE_HINT}`);
  }

  switch (code) {
    case "28P01": {
      const problem = `the credentials for \`${user}\` are not valid`;
      return new EngineError("P1000", `Authentication failed at ${server}: ${problem}.`);
    }
    case "3D000":
      return new EngineError("P1003", `Database \`${database}\` does not exist at ${server}.`);
    case "28000":
    case "42501":
      return new EngineError("P1010", `Access to \`${database}\` at ${server} denied: ${message}`);
    case "53300":
      return new EngineError("P2037", `Too many database connections opened: ${message}`);
    default:
      return err;
  }
}

/** A migration that the database refused. */
export function migrationError(migrationName: string, err: pg.DatabaseError): EngineError {
  const error = describe(err);
  const message = [
    "A migration failed to apply. New migrations cannot be applied before the error is recovered from. Read more about how to resolve migration issues in a production database: https://pris.ly/d/migrate-resolve",
    `Migration name: ${migrationName}`,
    `Database error code: ${err.code}`,
    `Database error:\n${error}`,
  ].join("\n\n");

  return new EngineError("P3018", message, {
    migration_name: migrationName,
    database_error_code: err.code,
    database_error: error,
  });
}

/** The engine's message without the trail of its own functions. */
export function readable(message: string): string {
  return message
    .replace("external connector error\n", "")
    .replace(/\n +0: [a-z_]+::[\s\S]*$/, "")
    .trimEnd();
}

function describe({ severity, message, detail, hint, position, where }: pg.DatabaseError): string {
  const parts = {
    [`${severity}`]: message,
    DETAIL: detail,
    HINT: hint,
    POSITION: position,
    WHERE: where,
  };

  return Object.entries(parts)
    .filter(([, text]) => text)
    .map(([name, text]) => `${name}: ${text}`)
    .join("\n");
}
