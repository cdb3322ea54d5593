/**
 * What a definition prints is what it prints when that has been run, on every version: only so is what a repair or a
 * migration writes found to be what the files declare.
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import pg from "pg";
import {
  serverOfVersion,
  stopServers,
  type Version,
  versions,
} from "../../../tests/support/versions.ts";
import { inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { diff, objectOf } from "../src/model/diff.ts";
import { type CatalogObject, keyOf } from "../src/model/object.ts";
import { plan } from "../src/repair/plan.ts";
import { committing } from "../src/repair/trial.ts";
import { createProject, execute } from "./project.ts";

setDefaultTimeout(120_000);
afterAll(stopServers, 60_000);

/** Expressions of columns of the table below; each has the value 'b' or 2, that a mutation makes another. */
const forms = [
  "name IN ('a', 'b')",
  "name NOT IN ('a', 'b')",
  "name = ANY (ARRAY['a', 'b'])",
  "name = ANY (ARRAY['a', 'b']::varchar[])",
  "name = ANY ('{a,b}')",
  "name <> ALL (ARRAY['a', 'b']::varchar(5)[])",
  "name IN ('it''s (ARRAY[', '])::text[]', 'b')",
  "name IN ('a', 'b', NULL)",
  "name IN ('a', other, body, 'b')",
  "'b' IN (name, other, body)",
  "'b' NOT IN (name, other, body, code)",
  "name LIKE ANY (ARRAY['a%', 'b'])",
  "name BETWEEN 'a' AND 'b'",
  "name COLLATE \"C\" IN ('a', 'b')",
  "coalesce(name, 'x') IN ('a', 'b')",
  "lower(name) IN ('a', 'b')",
  "NOT (name IN ('a', 'b') OR id IN (1, 2) AND other NOT IN ('c', 'd'))",
  "CASE WHEN name IN ('a', 'b') THEN other IN ('c', 'd') ELSE false END",
  "CASE name WHEN 'a' THEN 1 WHEN 'b' THEN 3 END > 0",
  "(name IN ('a', 'b')) IS NOT TRUE",
  "(name, id) IN (('a', 1), ('b', 2), ('c', 3))",
  "code IN ('a', 'b')",
  "body IN ('a', 'b')",
  "body = ANY (ARRAY[name, 'b'])",
  "nick IN ('a', 'b')",
  "mood IN ('a', 'b')",
  "word IN ('a', 'b')",
  "id IN (1, 2)",
  "big IN (1, 2)",
  "big = ANY (ARRAY[1, 2]::bigint[])",
  "ratio = ANY (ARRAY[1, 2])",
  "ratio BETWEEN -1.5 AND 2",
  "price IN (-1, 2)",
  "names <@ ARRAY['a', 'b']::varchar[]",
  "names && ARRAY['a', 'b']::text[]::varchar[]",
  "tags = ARRAY['a', 'b']::varchar[]::text[]",
  "data ?| ARRAY['a', 'b']",
  "(data ->> 'a') IN ('a', 'b')",
  "(data ->> 'a')::varchar IN ('a', 'b')",
  "day IN ('2020-01-01', '2020-01-02')",
] as const;

const schema = (forms: readonly string[]) => `
CREATE SCHEMA t;
CREATE EXTENSION citext SCHEMA t;
SET search_path = t;
CREATE TYPE mood AS ENUM ('a', 'b', 'z');
CREATE DOMAIN word AS varchar(20);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE things (
  id integer, big bigint, ratio double precision, price numeric(10,2), name varchar(10), other varchar(12), code char(3),
  body text, nick citext, mood mood, word word, names varchar[], tags text[], data jsonb, day date,
  list varchar[] DEFAULT ARRAY['a', 'b']::varchar[], short varchar(5)[] DEFAULT ARRAY['a', 'b']);
${forms.map((form, n) => declarations(form, `f${n}`)).join("\n")}`;

const declarations = (form: string, name: string) => `
ALTER TABLE things ADD CONSTRAINT ${name} CHECK (${form}), ADD COLUMN ${name} boolean GENERATED ALWAYS AS (${form}) STORED;
CREATE INDEX ${name} ON things (id) WHERE ${form};
CREATE POLICY ${name} ON things USING (${form});
CREATE VIEW seen_${name} AS SELECT id, ${form} AS is_so FROM things WHERE ${form};
CREATE FUNCTION is_${name}() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM things WHERE ${form}; END;
CREATE TRIGGER ${name} BEFORE DELETE ON things FOR EACH ROW WHEN (${ofRow(form)}) EXECUTE FUNCTION touch();`;

const PER_FORM = 7;

/** The columns of the row before it is deleted. */
function ofRow(form: string): string {
  return form.replace(
    /('(?:[^']|'')*'|::\w+)|\b(id|big|ratio|price|names?|other|code|body|nick|mood|word|tags|data|day)\b/g,
    (_, kept, column) => kept ?? `old.${column}`,
  );
}

for (const version of versions) {
  describe(`PostgreSQL ${version}`, () => {
    test("a catalog is made again from what it prints", async () => {
      const objects = await withDatabase(version, async (client) => {
        await client.query(schema(forms));
        return inReadTransaction(client, () => read(client));
      });
      expect(objects.length).toBeGreaterThan(forms.length * PER_FORM);
      await withDatabase(version, async (client) => {
        const { unresolved } = await plan(await committing(client, read), objects);
        expect(unresolved).toEqual([]);
        expect(diff(objects, await inReadTransaction(client, () => read(client)))).toEqual([]);
      });
    });

    test("another value is a change, in every form and kind of object", async () => {
      const [before, after] = await Promise.all(
        [forms, forms.map(mutated)].map((forms) =>
          withDatabase(version, async (client) => {
            await client.query(schema(forms));
            return inReadTransaction(client, () => read(client));
          }),
        ),
      );
      const changed = diff(before ?? [], after ?? []);
      expect(changed.filter(({ change }) => change !== "changed")).toEqual([]);
      const keys = new Set(changed.map((difference) => keyOf(objectOf(difference))));
      const ofForms = (before ?? [])
        .filter(({ kind, name }) => kind !== "comment" && /(^|[._])f\d+(\(\))?$/.test(name))
        .map(keyOf);
      expect(ofForms).toHaveLength(forms.length * PER_FORM);
      expect(ofForms.filter((key) => !keys.has(key))).toEqual([]);
    });

    test("`drift migrate` proves a CHECK with IN of a varchar column, and `drift repair` mends one", () =>
      withDatabase(version, async (client, url) => {
        const declared =
          "ALTER TABLE keys ADD CONSTRAINT keys_algorithm CHECK (algorithm IN ('ES256', 'EdDSA'));\nCREATE INDEX keys_ids ON keys (id) WHERE algorithm NOT IN ('none', 'HS256');\n";
        const table =
          'CREATE TABLE "keys" ("id" INTEGER NOT NULL, "algorithm" VARCHAR(20) NOT NULL, CONSTRAINT "keys_pkey" PRIMARY KEY ("id"));\n';
        const project = await createProject(url, {
          "prisma/schema.prisma":
            'datasource db {\n  provider = "postgresql"\n}\nmodel Key {\n  id Int @id\n  algorithm String @db.VarChar(20)\n  @@map("keys")\n}\n',
          "prisma/migrations/20200101000000_create_keys/migration.sql": table,
          "migrations-sql/keys.sql": declared,
        });
        try {
          const { code, stdout, stderr } = await project.drift([
            "migrate",
            "--name",
            "add_keys_algorithm",
            "--allow-dangerous",
          ]);
          expect(stderr).toContain("Proved by replay");
          expect(code).toBe(0);
          const migration = await project.read(`${stdout.trim()}/migration.sql`);
          expect((await project.drift(["parity"])).code).toBe(0);

          // What the migration makes is what the files declare, and a weaker rule is mended.
          await client.query(table + migration);
          expect(await project.drift()).toMatchObject({ code: 0 });
          await client.query(
            "ALTER TABLE keys DROP CONSTRAINT keys_algorithm, ADD CONSTRAINT keys_algorithm CHECK (algorithm IN ('ES256', 'none'))",
          );
          const repair = await project.drift(["repair", "--apply"]);
          expect(repair.stdout).toContain("changed constraint public.keys.keys_algorithm");
          expect(repair.stderr).toStartWith("no drift");
          expect(repair.code).toBe(0);
        } finally {
          await project.remove();
        }
      }));
  });
}

const read = (client: pg.Client): Promise<CatalogObject[]> => readCatalog(client, ["t"]);

function mutated(form: string): string {
  return form.replace(/'b'|b\}|(?<=[ -])2(?=\b)|-02'/, (value) =>
    value.replace("b", "z").replace("2", "4"),
  );
}

async function withDatabase<T>(
  version: Version,
  work: (client: pg.Client, url: string) => Promise<T>,
): Promise<T> {
  const server = await serverOfVersion(version);
  const name = `settled_${randomBytes(6).toString("hex")}`;
  await execute(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return await work(client, url.href);
  } finally {
    await client.end();
    await execute(server, `DROP DATABASE ${name} WITH (FORCE)`);
  }
}
