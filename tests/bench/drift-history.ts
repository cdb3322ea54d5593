/** A project with a long history, and a database that has had it: what `bun run bench:drift` checks. */
import { join } from "node:path";

/** Each table takes four migrations. */
const TABLES = 205;
const TABLES_A_FILE = 20;
/** What somebody has done to a table by hand: each is a finding of a kind of its own. */
const CHANGES: ((table: string) => string)[] = [
  (table) => `ALTER TABLE "${table}" DROP CONSTRAINT "${table}_note_short"`,
  (table) => `DROP INDEX "${table}_name_idx"`,
  (table) => `ALTER TABLE "${table}" ALTER COLUMN "note" DROP DEFAULT`,
  (table) => `ALTER TABLE "${table}" ALTER COLUMN "name" TYPE varchar(200)`,
  (table) => `ALTER TABLE "${table}" DROP COLUMN "createdAt"`,
];
const FINDINGS = 20;

export type History = { migrations: number; findings: number };

/**
 * Writes the project into an empty folder: the schema, hand-written SQL, the migrations, and one more that is pending, so that the
 * database is compared with what the others make and each finding is looked for in all of them.
 * @param execute runs statements in an empty database, which then has had the migrations.
 */
export async function writeHistory(
  folder: string,
  execute: (sql: string) => Promise<void>,
): Promise<History> {
  const write = (path: string, text: string) => Bun.write(join(folder, path), text);
  const tables = Array.from({ length: TABLES }, (_, n) => `Table${n}`);
  const migrations = tables.flatMap(migrationsOf);
  await write("prisma/schema.prisma", DATASOURCE + tables.map(modelOf).join(""));
  for (let start = 0; start < TABLES; start += TABLES_A_FILE)
    await write(
      `migrations-sql/${String(start).padStart(3, "0")}.sql`,
      tables
        .slice(start, start + TABLES_A_FILE)
        .map(checkOf)
        .join(""),
    );
  const rows: string[] = [];
  for (const [place, sql] of [...migrations, "CREATE TABLE pending ();"].entries()) {
    const name = `${20200101000000 + place}_step`;
    await write(`prisma/migrations/${name}/migration.sql`, sql);
    const checksum = new Bun.CryptoHasher("sha256").update(sql).digest("hex");
    rows.push(`('${place}', '${checksum}', '${name}', now(), now())`);
  }
  for (const sql of migrations) await execute(sql);
  await execute(`${HISTORY_TABLE} INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at)
    VALUES ${rows.slice(0, -1).join(", ")}`);
  return { migrations: migrations.length, findings: FINDINGS };
}

/** The changes by hand, spread over the whole history. */
export function changesByHand(): string {
  return Array.from({ length: FINDINGS }, (_, n) => {
    const table = `Table${Math.floor((n * TABLES) / FINDINGS)}`;
    return CHANGES[n % CHANGES.length]?.(table);
  }).join(";\n");
}

const DATASOURCE = 'datasource db {\n  provider = "postgresql"\n}\n';

function modelOf(table: string): string {
  return `
model ${table} {
  id        Int      @id
  name      String
  createdAt DateTime @default(now())
  note      String   @default("")

  @@index([name])
}
`;
}

function migrationsOf(table: string): string[] {
  return [
    `CREATE TABLE "${table}" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL, "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT "${table}_pkey" PRIMARY KEY ("id"));`,
    `ALTER TABLE "${table}" ADD COLUMN "note" TEXT NOT NULL DEFAULT '';`,
    `CREATE INDEX "${table}_name_idx" ON "${table}"("name");`,
    checkOf(table),
  ];
}

function checkOf(table: string): string {
  return `ALTER TABLE "${table}" ADD CONSTRAINT "${table}_note_short" CHECK (length("note") < 1000);\n`;
}

/** As Prisma makes it. */
const HISTORY_TABLE = `
CREATE TABLE _prisma_migrations (
  id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
  logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0);`;
