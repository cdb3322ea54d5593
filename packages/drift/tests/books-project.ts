/** A project of one table, as Prisma's users have them. */
import { afterEach, beforeEach } from "bun:test";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, type Project } from "./project.ts";

export const book = `
model Book {
  id    Int    @id @default(autoincrement())
  title String @unique
}
`;
export const datasource = (lines = "") => `datasource db {\n  provider = "postgresql"\n${lines}}\n`;
export const table =
  'CREATE TABLE "Book" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, CONSTRAINT "Book_pkey" PRIMARY KEY ("id"));\nCREATE UNIQUE INDEX "Book_title_key" ON "Book"("title");\n';
export const beyond = `ALTER TABLE "Book" ADD CONSTRAINT "Book_title_set" CHECK (title <> '');
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;
CREATE TRIGGER kept BEFORE DELETE ON "Book" FOR EACH ROW EXECUTE FUNCTION keep();
`;

/** Made anew for each test of the file, and empty. */
export function booksProject() {
  const database = {} as TestDatabase;
  const project = {} as Project;
  beforeEach(async () => {
    Object.assign(database, await createDatabase({ template: false }));
    Object.assign(project, await createProject(database.url));
  });
  afterEach(async () => {
    await project.remove();
    await database.drop();
  });
  return { database, project };
}
