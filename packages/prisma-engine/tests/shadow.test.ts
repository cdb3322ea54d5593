/** The database in which Prisma replays migrations: made for the moment, or configured. */
import { expect, test } from "bun:test";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { createProject, createRole, query, TIMEOUT_MS } from "./project.ts";

const DIFF = "migrate diff --from-migrations prisma/migrations --to-schema prisma/schema.prisma";

test(
  "a shadow database is dropped again, also when a migration fails on it",
  async () => {
    await using project = await createProject({
      "prisma/migrations/1_broken/migration.sql": "SELECT nothing;",
    });
    await using role = await createRole(project, "CREATEDB");
    const dev = await project.prisma("migrate dev", { DATABASE_URL: role.url });
    expect(dev.output).toContain("P3006");
    expect(dev.output).toContain("Migration `1_broken` failed to apply cleanly");
    expect(dev.output).toContain('column "nothing" does not exist');
    expect(dev.code).toBe(1);

    await project.write({ "prisma/migrations/1_broken/migration.sql": "SELECT 1;" });
    const diff = await project.prisma(DIFF, { DATABASE_URL: role.url });
    expect(diff.output).toContain("[+] Added tables\n  - User");
    expect(diff.code).toBe(0);
    const owned = `SELECT datname FROM pg_database WHERE datdba = '${role.name}'::regrole`;
    expect(await project.query(owned)).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "a role that may not create databases is told what to do: P3014",
  async () => {
    await using project = await createProject();
    await using role = await createRole(project, "NOCREATEDB");
    const { output, code } = await project.prisma(DIFF, { DATABASE_URL: role.url });
    expect(output).toContain("P3014");
    expect(output).toContain("SHADOW_DATABASE_URL");
    expect(code).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  "a configured shadow database is emptied and used, whatever becomes of the main one",
  async () => {
    await using project = await createProject();
    const shadow = await createDatabase({ template: false });
    await query(shadow.url, 'CREATE TABLE "User" (id int); CREATE SCHEMA extra');
    const { output, code } = await project.prisma(`${DIFF} --exit-code`, {
      DATABASE_URL: "postgresql://localhost:1/nowhere",
      SHADOW_DATABASE_URL: shadow.url,
    });
    await shadow.drop();
    expect(output).toContain("[+] Added tables\n  - User");
    expect(code).toBe(2);
  },
  TIMEOUT_MS,
);

test(
  "the main database is never taken for the shadow database",
  async () => {
    await using project = await createProject();
    await project.query("CREATE TABLE precious (id int)");
    const { output, code } = await project.prisma(DIFF, { SHADOW_DATABASE_URL: project.url });
    expect(output).toContain("The shadow database is the main database");
    expect(code).toBe(1);
    expect(await project.query("SELECT * FROM precious")).toEqual([]);
  },
  TIMEOUT_MS,
);
