/** A project with one table, a CHECK beside it and one migration, and how its next migration is written. */
import { afterEach, beforeEach } from "bun:test";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, type Project } from "./project.ts";

export const datasource = 'datasource db {\n  provider = "postgresql"\n}\n';
export const users = (fields = "") => `
model User {
  id    Int    @id
  email String
${fields}
  @@map("users")
}
`;
export const usersTable =
  'CREATE TABLE "users" ("id" INTEGER NOT NULL, "email" TEXT NOT NULL, CONSTRAINT "users_pkey" PRIMARY KEY ("id"));\n';
export const emailCheck =
  "ALTER TABLE users ADD CONSTRAINT users_email_lower CHECK (email = lower(email));\n";

/** Made anew for each test of the file. */
export function usersProject() {
  const database = {} as TestDatabase;
  const project = {} as Project;

  beforeEach(async () => {
    Object.assign(database, await createDatabase({ template: false }));
    const files = {
      "prisma/schema.prisma": datasource + users(),
      "prisma/migrations/20200101000000_create_users/migration.sql": usersTable + emailCheck,
      "migrations-sql/users.sql": emailCheck,
    };
    Object.assign(project, await createProject(database.url, files));
  });
  afterEach(async () => {
    await project.remove();
    await database.drop();
  });

  const migrate = (name: string, ...args: string[]) =>
    project.drift(["migrate", "--name", name, ...args]);

  async function written(stdout: string) {
    const folder = stdout.trim();
    return {
      folder,
      migration: await project.read(`${folder}/migration.sql`),
      rollback: await project.read(`${folder}/rollback.sql`),
    };
  }

  return { database, project, migrate, written };
}
