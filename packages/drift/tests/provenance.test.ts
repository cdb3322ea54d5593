/** The line that declares an object: right, or none. */
import { describe, expect, test } from "bun:test";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { namesOf } from "../src/project/names.ts";
import { lineInSql } from "../src/project/places.ts";
import { lineInPrismaSchema } from "../src/project/prisma-lines.ts";
import { createProject } from "./project.ts";

const users = "table public.users";

describe("in SQL", () => {
  const sql = `-- users_email_lower: see below
DROP FUNCTION IF EXISTS touch();
CREATE FUNCTION touch() RETURNS trigger AS $$
BEGIN
  NEW.email = lower(NEW.email);
END $$ LANGUAGE plpgsql;

CREATE TABLE orders (
  id integer,
  user_id integer REFERENCES users (id)
);
ALTER TABLE users
  ADD CONSTRAINT users_email_lower CHECK (email = lower(email)),
  ADD COLUMN "Id" integer;
CREATE INDEX orders_email ON users (email, id);
CREATE TRIGGER touch
  BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE users
  ALTER COLUMN email SET STATISTICS 100;
GRANT SELECT ON users TO app;
`;
  const lineOf = (kind: string, name: string, parent = "schema public") =>
    lineInSql(sql, namesOf({ kind, name, parent }));

  test("a constraint, a column, an index, a trigger: where the name stands with that of the table", () => {
    expect(lineOf("constraint", "users.users_email_lower", users)).toBe(13);
    expect(lineOf("column", 'users."Id"', users)).toBe(14);
    expect(lineOf("column", "orders.id", "table public.orders")).toBe(9);
    expect(lineOf("index", "orders_email", users)).toBe(15);
    expect(lineOf("trigger", "users.touch", users)).toBe(16);
  });

  test("a function, a table: where CREATE or ALTER names its kind, not where it is used or dropped", () => {
    expect(lineOf("function", "touch()")).toBe(3);
    expect(lineOf("table", "orders")).toBe(8);
    expect(lineOf("table", "users")).toBe(12);
  });

  test("a column is not declared where an expression or an index uses it", () => {
    expect(lineOf("column", "users.email", users)).toBe(19);
    expect(lineOf("column", "users.id", users)).toBe(null);
  });

  test("a grant, a comment: where the statement names what it is attached to", () => {
    expect(lineOf("grant", "on table public.users to app", users)).toBe(20);
    expect(lineOf("grant", "on function public.touch() to app", "function public.touch()")).toBe(
      null,
    );
    expect(lineOf("comment", "on column public.users.email", "column public.users.email")).toBe(
      null,
    );
  });

  test("what the text does not name has no line", () => {
    expect(lineOf("constraint", "users.users_check", users)).toBe(null);
    expect(lineOf("constraint", "users.users_email_lower", "table public.people")).toBe(null);
    expect(lineOf("view", "orders")).toBe(null);
  });

  test("a name is a whole word", () => {
    expect(lineOf("constraint", "users.email_lower", users)).toBe(null);
  });
});

describe("in a Prisma schema", () => {
  const files = [
    {
      path: "prisma/base.prisma",
      content: `datasource db {\n  provider = "postgresql"\n}\n\nenum Role {\n  admin\n\n  @@map("role")\n}\n`,
    },
    {
      path: "prisma/user.prisma",
      content: `/// users
model User {
  id      Int    @id
  // email is below
  email   String @unique(map: "users_address") @map("e_mail")
  e_mails Int

  @@index([email], map: "users_by_email")
  @@map("users")
}

model Plain {
  id Int @id
}
`,
    },
  ];
  const placeOf = (name: string, parent = "schema public") => {
    const place = lineInPrismaSchema(files, namesOf({ kind: "", name, parent }));
    return place && `${place.path}:${place.line}`;
  };

  test("a table, an enum: the line of its block, in the right file", () => {
    expect(placeOf("users")).toBe("prisma/user.prisma:2");
    expect(placeOf('"Plain"')).toBe("prisma/user.prisma:12");
    expect(placeOf("role")).toBe("prisma/base.prisma:5");
  });

  test("a column: its field, under the name of @map if there is one", () => {
    expect(placeOf("users.id", users)).toBe("prisma/user.prisma:3");
    expect(placeOf("users.e_mail", users)).toBe("prisma/user.prisma:5");
    expect(placeOf("users.e_mails", users)).toBe("prisma/user.prisma:6");
  });

  test("a key, an index: the line with its name, else its model", () => {
    expect(placeOf("users_by_email", users)).toBe("prisma/user.prisma:8");
    expect(placeOf("users_address", users)).toBe("prisma/user.prisma:5");
    expect(placeOf("users.users_pkey", users)).toBe("prisma/user.prisma:2");
  });

  test("what the schema does not have has no place", () => {
    expect(placeOf("orders")).toBe(null);
    expect(placeOf("User")).toBe(null);
  });
});

/** Reading the catalog after each of them would take longer than all else. */
test("of many migrations the one is named that declares it, or none", async () => {
  const database = await createDatabase({ template: false });
  const files: Record<string, string> = {};
  let tables = "";
  for (let i = 100; i < 190; i++) {
    files[`prisma/migrations/${i}_m/migration.sql`] = `CREATE TABLE t${i} (id int);\n`;
    tables += `CREATE TABLE t${i} (id int);\n`;
  }
  const add = (i: number, sql: string) => {
    files[`prisma/migrations/${i}_m/migration.sql`] += sql;
  };
  add(103, "CREATE VIEW v AS SELECT 1 AS n;");
  add(120, "-- v is left alone here, as is t103\n");
  add(150, "CREATE OR REPLACE VIEW v AS SELECT 2 AS n;");
  add(160, "ALTER TABLE t110 ADD CHECK (id > 0);");
  add(170, "DO $$ BEGIN EXECUTE 'CREATE VIEW ' || chr(119) || ' AS SELECT 1 AS n'; END $$;");
  const project = await createProject(database.url, {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "migrations-sql/a.sql": tables,
    ...files,
  });
  try {
    const { stdout } = await project.drift(["parity", "--format", "json"]);
    const places = new Map<string, string | null>(
      JSON.parse(stdout).findings.map((one: { name: string; declaredIn: string | null }) => [
        one.name,
        one.declaredIn,
      ]),
    );
    expect(places.get("v")).toBe("prisma/migrations/150_m/migration.sql");
    expect(places.get("w")).toBe(null);
    expect(places.get("t110.t110_id_check")).toBe("prisma/migrations/160_m/migration.sql");
  } finally {
    await project.remove();
    await database.drop();
  }
});
