#!/usr/bin/env node
/** `tenantry-drift-rollback`. The only file of it that prints and exits. */
import { parseArgs } from "node:util";
import { rollback } from "../commands/rollback.ts";
import { DriftError, explanationOf, messageOf } from "../model/errors.ts";
import { visible } from "../model/words.ts";
import { urlIn } from "./defaults.ts";

const usage = `Takes the last applied migration back: runs its rollback.sql and deletes its row of _prisma_migrations.

Usage: tenantry-drift-rollback [name] [options]

  name                  refuses unless this is the last applied migration
  --database-url URL    the database (DATABASE_URL)
  --database-url-file F the file that holds the URL where nothing else says it; it may be absent
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
        values["database-url"] ?? (process.env.DATABASE_URL || urlIn(values["database-url-file"])),
      migrations: values.migrations,
      name: positionals[0] ?? null,
    });
    process.stdout.write(`Took ${name} back.\n`);
    return 0;
  } catch (error) {
    process.stderr.write(visible(explanationOf(error)));
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
        "database-url-file": { type: "string" },
        migrations: { type: "string", default: "prisma/migrations" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new DriftError(`${messageOf(error)}\nSee --help for the options.`, { cause: error });
  }
}
