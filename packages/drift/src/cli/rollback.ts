#!/usr/bin/env bun
/** `bun run db:rollback`. The only file of it that prints and exits. */
import { parseArgs } from "node:util";
import { rollback } from "../commands/rollback.ts";
import { DriftError, messageOf } from "../model/errors.ts";
import { devUrl } from "./defaults.ts";

const usage = `Takes the last applied migration back: runs its rollback.sql and deletes its row of _prisma_migrations.

Usage: bun run db:rollback [name] [options]

  name                  refuses unless this is the last applied migration
  --database-url URL    the database (DATABASE_URL, else the one that \`bun dev\` has started)
  --migrations FOLDER   Prisma migrations (prisma/migrations)
  --help
`;

process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    if (positionals.length > 1)
      throw new DriftError("More than one migration is named. See --help.");
    const name = await rollback({
      databaseUrl:
        values["database-url"] ?? (process.env.DATABASE_URL || (devUrl() ?? noDatabase())),
      migrations: values.migrations,
      name: positionals[0] ?? null,
    });
    process.stdout.write(`Took ${name} back.\n`);
    return 0;
  } catch (error) {
    const text =
      error instanceof DriftError
        ? error.message
        : error instanceof Error
          ? error.stack
          : messageOf(error);
    process.stderr.write(`error: ${text}\n`);
    return 1;
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        "database-url": { type: "string" },
        migrations: { type: "string", default: "prisma/migrations" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new DriftError(`${messageOf(error)}\nSee --help for the options.`, { cause: error });
  }
}

function noDatabase(): never {
  throw new DriftError(
    "No database is named. Give --database-url or set DATABASE_URL, or start `bun dev`.",
  );
}
