/** Tables that others manage: Prisma's configuration names them, or they are ignored, or lie in schemas that nobody compares. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { booksProject } from "./books-project.ts";
import { execute } from "./project.ts";

setDefaultTimeout(60_000);

const { database, project } = booksProject();

const schema = (fields = "") => `datasource db {
  provider = "postgresql"
  schemas  = ["public", "auth"]
}
enum Role {
  admin
  @@map("role")
  @@schema("auth")
}
model Person {
  id    Int    @id
  role  Role?
  notes Note[]
  @@map("people")
  @@schema("auth")
}
model Note {
  id     Int    @id
  person Person @relation(fields: [by], references: [id])
  by     Int
${fields}
  @@schema("public")
}
`;
const config = (prelude = "") =>
  `export default { schema: "prisma/schema.prisma", datasource: { url: process.env.DATABASE_URL }, experimental: { externalTables: true },
     tables: { external: ["auth.people"] }, enums: { external: ["auth.role"] }, migrations: { path: "prisma/migrations"${prelude} } };\n`;
const prelude =
  ', initShadowDb: "CREATE SCHEMA auth; CREATE TABLE auth.people (id integer PRIMARY KEY)"';
const people =
  "CREATE SCHEMA auth; CREATE TYPE auth.role AS ENUM ('other'); CREATE TABLE auth.people (id serial PRIMARY KEY, extra text, role auth.role);";
const note =
  'CREATE TABLE "Note" (id integer NOT NULL, by integer NOT NULL, CONSTRAINT "Note_pkey" PRIMARY KEY (id));';
const key =
  'ALTER TABLE "Note" ADD CONSTRAINT "Note_by_fkey" FOREIGN KEY (by) REFERENCES auth.people (id) ON DELETE RESTRICT ON UPDATE CASCADE;';

describe("what prisma.config leaves to others", () => {
  test("is neither compared nor repaired, and the key to it is", async () => {
    await project.write({ "prisma/schema.prisma": schema(), "prisma.config.ts": config() });
    await execute(database.url, people + note);
    const found = await project.drift();
    expect(found.stdout.match(/^\w+: .*/gm)).toEqual([
      'critical: missing constraint public."Note"."Note_by_fkey"',
      "repair: proved on a copy of the schema with invented rows",
      expect.stringMatching(/^drift: 1 missing/),
    ]);
    const { stderr, code } = await project.drift(["repair", "--apply", "--allow-destructive"]);
    expect(stderr).toStartWith("no drift");
    expect(code).toBe(0);
    await execute(database.url, "SELECT extra, role FROM auth.people");
  });

  test("is in no migration, where the configuration says what makes it for a replay", async () => {
    await project.write({
      "prisma/schema.prisma": schema(),
      "prisma.config.ts": config(prelude),
      "prisma/migrations/20200101000000_create_note/migration.sql": note + key,
    });
    expect(await project.drift(["parity"])).toMatchObject({ code: 0 });
    await project.write({ "prisma/schema.prisma": schema("  text String?") });
    const { stdout, code } = await project.drift(["migrate", "--name", "add_text"]);
    expect(code).toBe(0);
    expect(await project.read(`${stdout.trim()}/migration.sql`)).toBe(
      '-- AlterTable\nALTER TABLE "Note" ADD COLUMN     "text" TEXT;\n',
    );
  });

  test("is asked for where a replay needs it and nothing makes it", async () => {
    await project.write({
      "prisma/schema.prisma": schema(),
      "prisma.config.ts": config(),
      "prisma/migrations/20200101000000_create_note/migration.sql": note + key,
    });
    const { stderr, code } = await project.drift(["parity"]);
    expect(code).toBe(1);
    expect(stderr).toContain('schema "auth" does not exist');
    expect(stderr).toContain("by its migrations.initShadowDb.");
  });

  test("is left out of the snapshot, also where the configuration is not at hand", async () => {
    await project.write({ "prisma/schema.prisma": schema(), "prisma.config.ts": config() });
    await execute(database.url, people + note + key);
    expect(await project.drift(["snapshot"])).toMatchObject({ code: 0 });
    const args = ["--snapshot", "--schemas", "public,auth"];
    expect(await project.drift(args)).toMatchObject({ code: 0 });
    await project.write({ "prisma.config.ts": "export default {};\n" });
    expect(await project.drift(args)).toMatchObject({ code: 0 });
  });
});

test("a repair is proved where keys, policies and views stand on what is ignored or not compared", async () => {
  const others = (id: string) =>
    `CREATE SCHEMA auth; CREATE DOMAIN auth.number AS ${id}; CREATE TABLE auth.people (id auth.number PRIMARY KEY);
     CREATE FUNCTION auth.me() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE TABLE legacy (id serial PRIMARY KEY);`;
  const own = (more = "") =>
    `CREATE TABLE own (id integer PRIMARY KEY REFERENCES legacy, by integer REFERENCES auth.people${more});
     CREATE POLICY mine ON own USING (id = auth.me()); CREATE VIEW seen AS SELECT id FROM legacy;`;
  await project.write({
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "migrations-sql/before/others.sql": others("integer"),
    "migrations-sql/own.sql": own(", CHECK (by > 0)"),
  });
  await execute(database.url, others("integer CHECK (VALUE < 1000)") + own());
  const args = ["--ignore", "table public.legacy"];
  const { stdout, stderr, code } = await project.drift(["repair", "--apply", ...args]);
  expect(stdout).toStartWith("-- Proved");
  expect(stderr).toStartWith("no drift");
  expect(code).toBe(0);
});
