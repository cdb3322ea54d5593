#!/usr/bin/env node
/** `tenantry-drift-rollback`. The only file of it that prints and exits. */
import { parseArgs } from "node:util";
import { rollback } from "../commands/rollback.ts";
import { DriftError, explanationOf, messageOf } from "../model/errors.ts";
import { visible } from "../model/words.ts";
import { loadPrismaConfig } from "../prisma/config.ts";
import { defaultsOf } from "./defaults.ts";

const usage = `Takes the last applied migration back: runs its rollback.sql and deletes its row of _prisma_migrations.

Usage: tenantry-drift-rollback [name] [options]

  name                  refuses unless this is the last applied migration
  --database-url URL    the database (that of prisma.config or of the schema, else DATABASE_URL)
  --database-url-file F the file that holds the URL where nothing else says it; it may be absent
  --schema PATH         Prisma schema, a file or a folder (that of prisma.config, else prisma/schema.prisma)
  --migrations FOLDER   Prisma migrations (those of prisma.config, else beside the schema)
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
    const config = await loadPrismaConfig(process.cwd(), process.env);
    const { databaseUrl, ...found } = defaultsOf(values, process.env, config);
    const migrations = found.migrations ?? found.firstMigrations;
    const name = await rollback({ databaseUrl, migrations, name: positionals[0] ?? null });
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
        schema: { type: "string" },
        migrations: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new DriftError(`${messageOf(error)}\nSee --help for the options.`, { cause: error });
  }
}
