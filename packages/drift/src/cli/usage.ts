import { severities } from "../model/severity.ts";
import { formatNames } from "../report/formats.ts";

export const usage = `Compares a PostgreSQL database with what the project declares: the Prisma schema and the hand-written SQL.

Usage: tenantry-drift [command] [options]

  tenantry-drift                  the live database with the declared schema
  tenantry-drift --snapshot       the live database with the committed snapshot: a read-only login is enough
  tenantry-drift parity           the migrations with the declared schema; needs a server, and no live database
  tenantry-drift snapshot         writes the snapshot of the declared schema; with --check, tells whether it is stale
  tenantry-drift allow KEY --until YYYY-MM-DD --reason TEXT
                                  prints the line for drift.allow that allows a finding until that day
  tenantry-drift repair           the SQL that makes the live database what is declared, proved on a copy of its schema;
                                  --apply also runs it, --allow-destructive also what loses data
  tenantry-drift migrate --name NAME
                                  writes the migration, and its rollback, from the history to what is declared;
                                  --yes asks nothing, --allow-dangerous writes what may hurt a table with rows,
                                  --strict-names holds NAME to a verb and its object in snake_case
  tenantry-drift init             writes into migrations-sql what the migrations make beyond the Prisma schema

What is compared
  --database-url URL    the live database (that of prisma.config or of the schema, else DATABASE_URL)
  --database-url-file F the file that holds the URL where nothing else says it; it may be absent
  --shadow-url URL      the database beside which scratch databases are made (the live one)
  --schema PATH         Prisma schema, a file or a folder (that of prisma.config, else prisma/schema.prisma)
  --migrations FOLDER   Prisma migrations (those of prisma.config, else beside the schema)
  --sql FOLDER          hand-written SQL, applied in the order of names after the Prisma schema, and before it
                        what lies in its folder before (migrations-sql)
  --schemas A,B         PostgreSQL schemas to compare (those of the Prisma schema, else the URL's, else public)
  --owners              compares owners as well (--no-owner: does not, as without either)
  --no-grants           leaves out grants and default privileges

What counts
  --ignore PATTERN      leaves objects out, as in 'index public.legacy_*'; may be repeated
  --ignore-file FILE    such patterns, each with a reason (drift.ignore in the SQL folder)
  --allow-file FILE     findings that are allowed for a while (drift.allow in the SQL folder)
  --roles-file FILE     what the server's roles should be (drift.roles.json in the SQL folder)
  --snapshot-file FILE  the snapshot (drift.snapshot.json in the SQL folder)
  --strict              pending migrations and faults of the history count as drift
  --fail-on SEVERITY    the least that counts as drift: ${severities.join(", ")} (minor)

How it is shown
  --format FORMAT       ${formatNames.join(", ")}, sql (text)
  --no-repair           without the statements that mend each finding, which take a copy of the schema;
                        --snapshot, parity and more than 2,000 objects or 20 seconds are without as well
  --output FILE         writes the report there; stdout gets the last line of the text
  --quiet               nothing on stdout, and no warnings
  --help, --version

Exit code: 0 no drift, 1 the check could not be made, 2 drift.
`;
