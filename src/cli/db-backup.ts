#!/usr/bin/env bun
/** `bun run db:backup`: a backup by pg_dump, and what was noted of it. */
import { resolve } from "node:path";
import { backUp } from "../operations/backup/backup.ts";
import { manifestPath } from "../operations/backup/manifest.ts";
import { CannotRun } from "../operations/cannot-run.ts";
import { databaseUrlOf } from "../operations/connection.ts";
import { runCommand } from "./command.ts";
import { count, size } from "./table.ts";

const usage = `Backs up the whole database with pg_dump, and notes beside it what was in it at that moment: rows, schema, roles, the
last seal of the audit log, and the file's hash. Instances go on meanwhile.

Usage: bun run db:backup --output FILE.dump, with DATABASE_URL as a superuser, or the owner of the tables with BYPASSRLS;
past a pooler

  --output FILE   a new file, which its owner alone may read; FILE.json beside it has what was noted
  --json
  --help

PG_BIN names the folder of pg_dump, where it is neither in PATH nor where packages put it.
Keep SECRET_KEY too, and in another place: it is in no backup.

Exit codes: 0 done, 2 cannot run; then there is no file.
`;

process.exit(
  await runCommand({
    usage,
    cleansUp: true,
    flags: { output: { type: "string" } },
    async run({ values: { output }, io }) {
      if (!output) throw new CannotRun("--output is missing. See --help.");
      const path = resolve(output);
      const manifest = await backUp({ ...io, path, databaseUrl: databaseUrlOf(io.env) });
      const rows = Object.values(manifest.rows).reduce((sum, each) => sum + each, 0);
      const lines = [
        `Backed up ${manifest.database}, PostgreSQL ${manifest.serverVersion}, with pg_dump ${manifest.toolVersion}.`,
        `  ${path}  ${size(manifest.bytes)}`,
        `  ${manifestPath(path)}`,
        `  ${count(rows)} rows in ${Object.keys(manifest.rows).length} tables, ${manifest.migrations.length} migrations`,
        `  SHA-256 ${manifest.sha256}`,
        ...(manifest.head ? [`  last seal ${manifest.head.seq}:${manifest.head.hash}`] : []),
      ];
      return { found: false, json: { path, ...manifest }, text: lines.join("\n") };
    },
  }),
);
