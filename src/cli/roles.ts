#!/usr/bin/env bun
/** `bun run db:roles`: the login that the server runs as. */
import { Environment } from "../config/environment.ts";
import { faultOfDatabaseUrl } from "../config/fields.ts";
import { withFiles } from "../config/secret-files.ts";
import { inWords } from "../db/await-database.ts";
import { isUnavailable } from "../db/failures.ts";
import { prepareRuntimeRole } from "../db/runtime-role.ts";
import { listenForInterruption } from "./interruption.ts";
import { withoutSecrets } from "./secrets.ts";

const usage = `Makes the login that the server runs as, which row-level security holds, and grants what it needs.

Usage: bun run db:roles, after each bunx prisma migrate deploy, with these variables, or files that NAME_FILE names

  DATABASE_URL              as the owner of the tables, who may create roles: the one that migrates
  APP_DATABASE_URL          the same database as the server will use it: its user and password are made. Both must be
                            others than those of DATABASE_URL
  DATABASE_TIMEOUT_SECONDS  that of the server, 10 by default: how long a statement of the login may run, and how long
                            a transaction may idle, also where a pooler drops what the server asks for

Exit codes: 0 done, 1 could not.
`;

const [argument] = process.argv.slice(2);
if (argument === "--help" || argument === "-h") {
  process.stdout.write(usage);
  process.exit(0);
}
if (argument !== undefined) {
  // Not repeated: it may be a URL with its password.
  process.stderr.write("error: This command takes no arguments, but variables. See --help.\n");
  process.exit(1);
}
process.exit(await main(process.env));

async function main(variables: NodeJS.ProcessEnv): Promise<number> {
  const { asked } = listenForInterruption();
  try {
    const { env, faults } = withFiles(variables, [
      "DATABASE_URL",
      "APP_DATABASE_URL",
      "DATABASE_TIMEOUT_SECONDS",
    ]);
    for (const { variable, message } of faults) throw new Error(`${variable} ${message}.`);
    const owner = readUrl("DATABASE_URL", env.DATABASE_URL);
    const app = readUrl("APP_DATABASE_URL", env.APP_DATABASE_URL);
    const timeoutSeconds = readTimeout(env.DATABASE_TIMEOUT_SECONDS);
    const user = decodeURIComponent(app.username);
    const password = decodeURIComponent(app.password);
    if (!user || !password) throw new Error("APP_DATABASE_URL must name a user and a password.");
    const work = prepareRuntimeRole(owner.href, { user, password }, timeoutSeconds);
    const done = work.catch(async (err) => {
      throw await inWords(err, owner.href);
    });
    await Promise.race([done, asked]);
    process.stdout.write(
      `The login ${user} is ready: start the server with APP_DATABASE_URL as its DATABASE_URL.\n`,
    );
    return 0;
  } catch (error) {
    process.stderr.write(`error: ${withoutSecrets(explain(error), variables)}\n`);
    return 1;
  }
}

function readUrl(name: string, value: string | undefined): URL {
  if (!value) throw new Error(`${name} must be set to a postgresql:// URL.`);
  const fault = faultOfDatabaseUrl(value);
  if (fault) throw new Error(`${name} ${fault}.`);
  return new URL(value);
}

function readTimeout(value: string | undefined): number {
  const { data, error } = Environment.shape.DATABASE_TIMEOUT_SECONDS.safeParse(value || undefined);
  if (error) throw new Error(`DATABASE_TIMEOUT_SECONDS ${error.issues[0]?.message}.`);
  return data;
}

function explain(error: unknown): string {
  if (isUnavailable(error)) return "the database of DATABASE_URL does not answer.";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "42501")
    return "the role of DATABASE_URL may not create roles: ALTER ROLE … CREATEROLE.";
  if (code === "42704" || code === "42P01")
    return "the migrations are not applied yet. Run: bunx prisma migrate deploy";
  return error instanceof Error ? error.message : String(error);
}
