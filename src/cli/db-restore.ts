#!/usr/bin/env bun
/** `bun run db:restore`: a backup of db:backup into an empty database, and whether all of it came back. */
import { resolve } from "node:path";
import { parseToolConfig } from "../config.ts";
import { deriveKeyring } from "../crypto/secret.ts";
import { restore } from "../operations/backup/restore.ts";
import { CannotRun } from "../operations/cannot-run.ts";
import { runCommand } from "./command.ts";

const usage = `Brings a backup of db:backup back into an empty database, and then holds it against what was noted: the schema as the
drift check sees it, the rows of each table, and the seals of the audit log.

Usage: bun run db:restore --input FILE.dump, with DATABASE_URL as the empty database, in the name of whoever is to own it,
and SECRET_KEY as it was, which the audit log is verified with

  --input FILE   what db:backup wrote, with FILE.json beside it
  --json
  --help

It is one transaction: broken off, the database is as empty as before. A database that holds something is refused.
Afterwards: APP_DATABASE_URL=… bun run db:roles, and what docs/operations/backup.md says of sessions and revocations.
PG_BIN names the folder of pg_restore, where it is neither in PATH nor where packages put it.

Exit codes: 0 restored and whole, 1 restored and not what was backed up, or the comparison broke off, 2 cannot run; then
nothing was restored.
`;

process.exit(
  await runCommand({
    usage,
    cleansUp: true,
    flags: { input: { type: "string" } },
    async run({ values: { input }, io }) {
      if (!input) throw new CannotRun("--input is missing. See --help.");
      const { databaseUrl, secretKey, previousSecretKey } = parseToolConfig(io.env);
      const restored = await restore({
        ...io,
        databaseUrl,
        path: resolve(input),
        keyring: deriveKeyring(secretKey, previousSecretKey),
      });
      const { database, manifest, checks } = restored;
      const lines = [
        `Restored ${database} from the backup of ${manifest.madeAt}.`,
        ...checks.map(
          ({ name, right, what }) => `  ${right ? "ok   " : "WRONG"}  ${name}: ${what}`,
        ),
      ];
      return {
        found: checks.some(({ right }) => !right),
        json: { database, madeAt: manifest.madeAt, checks },
        text: lines.join("\n"),
      };
    },
  }),
);
