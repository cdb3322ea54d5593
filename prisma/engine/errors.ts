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

type Target = { host: string; port: number; database?: string | undefined; user?: string | undefined };

/** Gives the failure to open a connection Prisma's code, where it has one. */
export function connectionError(err: unknown, target: Target): Error {
  const server = `\`${target.host}:${target.port}\``;
  if (!(err instanceof Error)) return new Error(String(err));
  if (!(err instanceof pg.DatabaseError)) {
    return new EngineError("P1001", `Can't reach database server at ${server} (${err.message || codeOf(err)}).\n\n${HINT}`);
  }

  switch (err.code) {
    case "28P01":
      return new EngineError("P1000", `Authentication failed against the database server at ${server}: the credentials for \`${target.user}\` are not valid.`);
    case "3D000":
      return new EngineError("P1003", `Database \`${target.database}\` does not exist on the database server at ${server}.`);
    case "28000":
    case "42501":
      return new EngineError("P1010", `User \`${target.user}\` was denied access to the database \`${target.database}\`: ${err.message}`);
    case "53300":
      return new EngineError("P2037", `Too many database connections opened: ${err.message}`);
    default:
      return err;
  }
}

const HINT = "Is it running? `bun dev` starts a development server; DATABASE_URL names another one.";

/** A migration that the database refused; the engine itself leaves this one without a code. */
export function migrationError(migrationName: string, err: pg.DatabaseError): EngineError {
  const message = `A migration failed to apply. New migrations cannot be applied before the error is recovered from. Read more about how to resolve migration issues in a production database: https://pris.ly/d/migrate-resolve

Migration name: ${migrationName}

Database error code: ${err.code}

Database error:
${describe(err)}`;

  return new EngineError("P3018", message, { migration_name: migrationName, database_error_code: err.code, database_error: describe(err) });
}

/** The engine's message without the trail of Rust spans behind it. */
export function readable(message: string): string {
  return message.replace(/^external connector error\n/, "").replace(/\n +0: [a-z_]+::[\s\S]*$/, "").trimEnd();
}

function describe(err: pg.DatabaseError): string {
  const parts = [["", `${err.severity}: ${err.message}`], ["DETAIL: ", err.detail], ["HINT: ", err.hint], ["POSITION: ", err.position], ["WHERE: ", err.where]];
  return parts.filter(([, text]) => text).map((part) => part.join("")).join("\n");
}

function codeOf(err: Error): string {
  return "code" in err ? String(err.code) : err.name;
}
