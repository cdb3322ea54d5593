#!/usr/bin/env bun
/** `bun run db:roles`: the login that the server runs as. */
import { isUnavailable } from "../db/failures.ts";
import { prepareRuntimeRole } from "../db/runtime-role.ts";

const usage = `Makes the login that the server runs as, which row-level security holds, and grants what it needs.

Usage: bun run db:roles, after each bunx prisma migrate deploy, with two variables

  DATABASE_URL      as the owner of the tables, who may create roles: the one that migrates
  APP_DATABASE_URL  the same database as the server will use it: its user and password are made. Both must be
                    others than those of DATABASE_URL

Exit codes: 0 done, 1 could not.
`;

if (process.argv.includes("--help")) {
  process.stdout.write(usage);
  process.exit(0);
}
process.exit(await main(process.env));

async function main({ DATABASE_URL, APP_DATABASE_URL }: NodeJS.ProcessEnv): Promise<number> {
  try {
    const owner = readUrl("DATABASE_URL", DATABASE_URL);
    const app = readUrl("APP_DATABASE_URL", APP_DATABASE_URL);
    const user = decodeURIComponent(app.username);
    const password = decodeURIComponent(app.password);
    if (!user || !password) throw new Error("APP_DATABASE_URL must name a user and a password.");
    await prepareRuntimeRole(owner.href, { user, password });
    process.stdout.write(
      `The login ${user} is ready: start the server with APP_DATABASE_URL as its DATABASE_URL.\n`,
    );
    return 0;
  } catch (error) {
    process.stderr.write(`error: ${explain(error)}\n`);
    return 1;
  }
}

function readUrl(name: string, value: string | undefined): URL {
  if (!value || !URL.canParse(value) || !/^postgres(ql)?:$/.test(new URL(value).protocol))
    throw new Error(`${name} must be set to a postgresql:// URL.`);
  return new URL(value);
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
