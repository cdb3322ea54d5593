/** The line that declares an object: right, or none. */
import { describe, expect, test } from "bun:test";
import { namesOf } from "../src/project/names.ts";
import { lineInSql } from "../src/project/places.ts";
import { lineInPrismaSchema } from "../src/project/prisma-lines.ts";

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
