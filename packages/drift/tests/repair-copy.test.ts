/** What the role of a trial may not make: where a repair can do without it in the copy, it holds nothing back. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { booksProject, datasource } from "./books-project.ts";
import { execute } from "./project.ts";

setDefaultTimeout(60_000);

const { database, project } = booksProject();

const declared = `
CREATE TABLE room (id integer PRIMARY KEY, name text UNIQUE DEFERRABLE);
CREATE TABLE bed (id integer PRIMARY KEY, room integer REFERENCES room);
CREATE OPERATOR CLASS plain FOR TYPE integer USING btree AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(integer, integer);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
`;

/** Changes the database, repairs it, and gives what the script was. */
async function repaired(change: string): Promise<string> {
  await project.write({
    "prisma/schema.prisma": datasource(),
    "migrations-sql/a.sql": declared,
  });
  await execute(
    database.url,
    `${declared} INSERT INTO room VALUES (1); INSERT INTO bed VALUES (1, 1);`,
  );
  await execute(database.url, change);
  const { stdout, stderr, code } = await project.drift(["repair", "--apply"]);
  expect(stderr).toStartWith("no drift");
  expect(code).toBe(0);
  return stdout;
}

test("an operator class that is as it is declared", async () => {
  expect(await repaired("ALTER TABLE bed ALTER room SET NOT NULL")).toContain("DROP NOT NULL");
});

test("the triggers of keys, switched off: the keys are made anew, and hold", async () => {
  const script = await repaired(
    "ALTER TABLE bed DISABLE TRIGGER ALL; ALTER TABLE room DISABLE TRIGGER ALL",
  );
  expect(script).toStartWith("-- Proved");
  await expect(execute(database.url, "INSERT INTO bed VALUES (2, 9)")).rejects.toThrow(
    "foreign key",
  );
  await expect(execute(database.url, "DELETE FROM room")).rejects.toThrow("foreign key");
});

test("rows that a key with its triggers off has let past: nothing is done", async () => {
  await project.write({ "prisma/schema.prisma": datasource(), "migrations-sql/a.sql": declared });
  await execute(
    database.url,
    `${declared} ALTER TABLE bed DISABLE TRIGGER ALL; INSERT INTO bed VALUES (1, 1)`,
  );
  const { stderr, code } = await project.drift(["repair", "--apply"]);
  expect(stderr).toContain("The repair was rolled back, and the database is as it was.");
  expect(stderr).toContain("violates foreign key constraint");
  expect(code).toBe(1);
});

test("a rule of a domain, which nobody is granted", async () => {
  await repaired(
    "ALTER DOMAIN positive DROP CONSTRAINT positive_check; ALTER DOMAIN positive ADD CHECK (VALUE > -5)",
  );
  await expect(execute(database.url, "SELECT 0::positive")).rejects.toThrow("positive_check");
});
