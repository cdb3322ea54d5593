/** Migrations from the first to a failed one, as `prisma migrate` makes, applies and mends them. */
import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createProject, SCHEMA, TIMEOUT_MS } from "./project.ts";

const USERS_TABLE = `
CREATE TABLE "User" ("id" INTEGER NOT NULL, "email" TEXT NOT NULL, CONSTRAINT "User_pkey" PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
`;
const HAND_WRITTEN = `
ALTER TABLE "User" ADD CONSTRAINT email_lower CHECK (email = lower(email));
CREATE FUNCTION lower_email() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.email := lower(NEW.email); -- a semicolon; in a body
  RETURN NEW;
END;
$$;
CREATE TRIGGER lower_email BEFORE INSERT ON "User" FOR EACH ROW EXECUTE FUNCTION lower_email();
CREATE UNIQUE INDEX one_root ON "User" ((email LIKE '%@root')) WHERE email LIKE '%@root';
CREATE INDEX email_domain ON "User" (split_part(email, '@', 2));
INSERT INTO "User" VALUES (1, 'Ada;Lovelace@ROOT');
`;
const MOOD = "CREATE TYPE \"Mood\" AS ENUM ('calm');";

test(
  "dev makes and applies migrations, sees drift and edits, and reset mends both",
  async () => {
    await using project = await createProject();
    const first = await project.prisma("migrate dev --name first");
    expect(first.output).toContain("Your database is now in sync with your schema.");
    expect(first.code).toBe(0);

    await project.write({ "prisma/schema.prisma": `${SCHEMA}enum Mood {\n  calm\n}\n` });
    const second = await project.prisma("migrate dev --name second");
    expect(second.output).toContain("_second/");
    await project.write({ "prisma/schema.prisma": `${SCHEMA}enum Mood {\n  calm\n  cross\n}\n` });
    const third = await project.prisma("migrate dev --name third --create-only");
    expect(third.code).toBe(0);
    const [, , path = ""] = (await readdir(join(project.folder, "prisma/migrations"))).sort();
    const migration = Bun.file(join(project.folder, "prisma/migrations", path, "migration.sql"));
    expect(await migration.text()).toContain(`ALTER TYPE "Mood" ADD VALUE 'cross'`);
    const behind = await project.prisma("migrate status");
    expect(behind.output).toContain("have not yet been applied");
    expect(behind.code).toBe(1);

    await project.query("CREATE TABLE stray (id int)");
    const drift = await project.prisma("migrate dev");
    expect(drift.output).toContain("[+] Added tables\n  - stray");
    expect(drift.code).not.toBe(0);

    await project.query("DROP TABLE stray");
    expect((await project.prisma("migrate deploy")).code).toBe(0);
    await Bun.write(migration, `${await migration.text()}-- edited\n`);
    const edited = await project.prisma("migrate dev");
    expect(edited.output).toContain(`The migration \`${path}\` was modified after it was applied.`);
    expect(edited.code).not.toBe(0);

    await project.query("CREATE FUNCTION stray() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    const reset = await project.prisma("migrate reset --force");
    expect(reset.output).toContain("Database reset successful");
    const [{ labels, stray } = {}] = await project.query(
      `SELECT enum_range(NULL::"Mood")::text AS labels, to_regproc('stray') AS stray`,
    );
    expect({ labels, stray }).toEqual({ labels: "{calm,cross}", stray: null });
  },
  TIMEOUT_MS,
);

test(
  "deploy runs hand-written SQL as it stands, and the rest of Prisma bears with it",
  async () => {
    await using project = await createProject();
    await project.write({
      "prisma/migrations/1_users/migration.sql": USERS_TABLE,
      "prisma/migrations/2_rules/migration.sql": HAND_WRITTEN,
    });
    const deploy = await project.prisma("migrate deploy");
    expect(deploy.output).toContain("All migrations have been successfully applied.");
    expect(deploy.code).toBe(0);
    expect(await project.query('SELECT email FROM "User"')).toEqual([
      { email: "ada;lovelace@root" },
    ]);
    const indexes = await project.query(
      "SELECT indexname FROM pg_indexes WHERE indexname IN ('one_root', 'email_domain') ORDER BY 1",
    );
    expect(indexes).toEqual([{ indexname: "email_domain" }, { indexname: "one_root" }]);
    const upper = project.query(`UPDATE "User" SET email = 'X'`);
    await expect(upper).rejects.toThrow("email_lower");

    const dev = await project.prisma("migrate dev");
    expect(dev.output).toContain("Already in sync");
    const pull = await project.prisma("db pull --print");
    expect(pull.output).toContain('constraint: "email_lower"');
  },
  TIMEOUT_MS,
);

test(
  "a migration that fails stops the next deploy until it is resolved",
  async () => {
    await using project = await createProject();
    const path = "prisma/migrations/1_broken/migration.sql";
    await project.write({ [path]: `BEGIN; ${USERS_TABLE} SELECT nothing;` });
    const failed = await project.prisma("migrate deploy");
    expect(failed.output).toContain("P3018");
    expect(failed.output).toContain("Migration name: 1_broken");
    expect(failed.output).toContain("Database error code: 42703");
    expect(failed.output).toContain('column "nothing" does not exist');
    expect(failed.output).not.toContain("schema_engine_wasm");
    expect(failed.code).toBe(1);

    const blocked = await project.prisma("migrate deploy");
    expect(blocked.output).toContain("P3009");
    expect(blocked.code).toBe(1);
    expect((await project.prisma("migrate status")).output).toContain("1_broken");

    await project.write({ [path]: USERS_TABLE });
    const resolved = await project.prisma("migrate resolve --rolled-back 1_broken");
    expect(resolved.output).toContain("Migration 1_broken marked as rolled back.");
    expect((await project.prisma("migrate deploy")).code).toBe(0);

    await project.write({ "prisma/migrations/2_by_hand/migration.sql": MOOD });
    await project.query(MOOD);
    const applied = await project.prisma("migrate resolve --applied 2_by_hand");
    expect(applied.output).toContain("Migration 2_by_hand marked as applied.");
    expect((await project.prisma("migrate status")).code).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "two deploys at once apply each migration once",
  async () => {
    await using project = await createProject();
    await project.write({
      "prisma/migrations/1_users/migration.sql": `${USERS_TABLE} SELECT pg_sleep(2);`,
    });
    const deploys = await Promise.all([
      project.prisma("migrate deploy"),
      project.prisma("migrate deploy"),
    ]);
    expect(deploys.map(({ code }) => code)).toEqual([0, 0]);
    expect(await project.query("SELECT migration_name FROM _prisma_migrations")).toEqual([
      { migration_name: "1_users" },
    ]);
  },
  TIMEOUT_MS,
);
