/** Projects as Prisma's users have them: its versions, its configuration, its folders, and what only the migrations say. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startable } from "../src/prisma/glue.ts";
import { book, booksProject, datasource, table } from "./books-project.ts";
import { execute } from "./project.ts";

setDefaultTimeout(60_000);

const WASM = { 6: "schema-engine-wasm-6", 7: "@prisma/schema-engine-wasm" } as const;
const { database, project } = booksProject();

function packageOf(name: string): string {
  return dirname(Bun.resolveSync(`${name}/package.json`, import.meta.dir));
}

/** Gives the project a package of this repository. */
async function install(name: string, as = name): Promise<void> {
  const link = join(project.folder, "node_modules", as);
  await mkdir(dirname(link), { recursive: true });
  await symlink(packageOf(name), link);
}

const noUrl = { DATABASE_URL: "" };

describe("each version of Prisma by its own engine", () => {
  test("6, whose schemas have addresses that 7 refuses", async () => {
    await install(WASM[6], "@prisma/schema-engine-wasm");
    await project.write({ "prisma/schema.prisma": `${datasource('  url = env("X")\n')}${book}` });
    await execute(database.url, table);
    const { code, stdout } = await project.drift();
    expect(stdout).toStartWith("no drift");
    expect(code).toBe(0);
    // Only 6 asks for it.
    await project.write({ "prisma/schema.prisma": datasource() + book });
    expect((await project.drift()).stderr).toContain('Argument "url" is missing');
  });

  test("a schema of 6 is read by the engine of 7 too, where there is no other", async () => {
    await project.write({
      "prisma/schema.prisma": `${datasource('  url = env("X")\n  directUrl = env("Y")\n')}${book}`,
    });
    await execute(database.url, table);
    expect((await project.drift()).stdout).toStartWith("no drift");
  });

  test("what an engine says of a schema that it does not accept is shown", async () => {
    await project.write({
      "prisma/schema.prisma": `${datasource()}model A {\n  id Nothing @id\n}\n`,
    });
    const { code, stderr } = await project.drift();
    expect(stderr).toContain("Prisma does not accept the schema.");
    expect(stderr).toContain('Type "Nothing" is neither a built-in type');
    expect(code).toBe(1);
  });

  test("before 6.6 by the program that Prisma downloads", async () => {
    const program = join(packageOf("@tenantry/prisma-engine"), "src/schema-engine.ts");
    await project.write({
      "prisma/schema.prisma": datasource() + book,
      "prisma/migrations/1_init/migration.sql": table,
      "migrations-sql/a.sql": 'CREATE INDEX a ON "Book" (lower(title));',
    });
    const env = { PRISMA_SCHEMA_ENGINE_BINARY: program };
    const { stdout } = await project.drift(
      ["migrate", "--name", "init", "--yes", "--allow-dangerous"],
      env,
    );
    expect(stdout).toEndWith("_init\n");
    const broken = { PRISMA_SCHEMA_ENGINE_BINARY: join(project.folder, "nothing") };
    expect((await project.drift(["parity"], broken)).stderr).toContain(
      "nothing cannot be started: ",
    );
    await project.write({
      "prisma/schema.prisma": `${datasource()}model A {\n  id Nothing @id\n}\n`,
    });
    const refused = await project.drift(["parity"], env);
    expect(refused.stderr).toContain('Type "Nothing" is neither');
  });

  for (const version of [6, 7] as const) {
    test(`the engine of ${version} starts without the files that come with it`, async () => {
      const bytes = await Bun.file(join(packageOf(WASM[version]), "schema_engine_bg.wasm")).bytes();
      expect(await startable(bytes)).toBeFunction();
    });
  }
});

describe("where the address is", () => {
  test("directUrl in .env, past the address of a pooler", async () => {
    const urls = '  url = env("POOLED_URL")\n  directUrl = env("DIRECT_URL")\n';
    await project.write({
      "prisma/schema.prisma": datasource(urls) + book,
      ".env": `POOLED_URL="prisma://accelerate.invalid/?api_key=x"\nDIRECT_URL="${database.url}"\n`,
    });
    await execute(database.url, table);
    expect((await project.drift([], noUrl)).stdout).toStartWith("no drift");
  });

  test("prisma.config.ts names address, folder of schemas and migrations", async () => {
    await install("prisma");
    await project.write({
      "prisma.config.ts": `import { defineConfig, env } from "prisma/config";
export default defineConfig({ schema: "db/schema", migrations: { path: "db/history" }, datasource: { url: env("MY_URL") } });\n`,
      "db/schema/base.prisma": datasource('  schemas = ["public", "crm"]\n'),
      "db/schema/models/book.prisma": book.replace("@unique\n", '@unique\n  @@schema("public")\n'),
      "db/schema/models/shop.prisma": 'model Shop {\n  id Int @id\n  @@schema("crm")\n}\n',
      "db/history/1_init/migration.sql": `${table}CREATE SCHEMA crm; CREATE TABLE crm."Shop" ("id" INTEGER NOT NULL, CONSTRAINT "Shop_pkey" PRIMARY KEY ("id"));`,
    });
    await execute(
      database.url,
      `${table}CREATE SCHEMA crm; CREATE TABLE crm."Shop" ("id" INTEGER NOT NULL)`,
    );
    const { stdout } = await project.drift([], { ...noUrl, MY_URL: database.url });
    expect(stdout).toContain('missing constraint crm."Shop"."Shop_pkey"');
    expect(stdout).toContain("--> db/schema/models/shop.prisma");

    const parity = await project.drift(["parity", "--shadow-url", database.url], noUrl);
    expect(parity.stdout).toStartWith("no drift");
  });

  for (const [name, says] of [
    ["mysql", "prisma/schema.prisma:2: the project's database is MySQL"],
    ["sqlite", "prisma/schema.prisma:2: the project's database is SQLite"],
  ] as const) {
    test(`a project of ${name} is told so`, async () => {
      const schema = datasource().replace("postgresql", name) + book;
      await project.write({ "prisma/schema.prisma": schema });
      const { code, stderr } = await project.drift();
      expect(stderr).toBe(`error: ${says}, and the drift check compares PostgreSQL alone.\n`);
      expect(code).toBe(1);
    });
  }

  for (const [url, says] of [
    [
      "prisma://accelerate.invalid/?api_key=secret",
      "one of prisma://, behind which no SQL is spoken",
    ],
    ["prisma+postgres://localhost:51213/?api_key=secret", "one of prisma+postgres://"],
    ["mysql://root:secret@localhost/x", "one of MySQL"],
    ["file:./dev.db", "one of SQLite"],
  ] as const) {
    test(`${url.split(":")[0]}: is told what it is, and nothing of it is shown`, async () => {
      await project.write({ "prisma/schema.prisma": datasource() + book });
      const { code, stderr } = await project.drift(["--database-url", url]);
      expect(stderr).toContain(says);
      expect(stderr).not.toContain("secret");
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(code).toBe(1);
    });
  }
});

describe("what Prisma's part stands on", () => {
  const schema = `${datasource()}
model Order {
  id     String                  @id @default(dbgenerated("short_id('ord'::text)"))
  mail   String                  @db.Citext
  search Unsupported("tsvector")? @default(dbgenerated("to_tsvector('simple'::regconfig, (mail)::text)"))
}
`;
  const foundation = `CREATE EXTENSION citext;
CREATE FUNCTION short_id(prefix text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT prefix || '_' || md5(random()::text) $$;
`;
  const orders = `CREATE TABLE "Order" ("id" TEXT NOT NULL DEFAULT short_id('ord'::text), "mail" CITEXT NOT NULL,
  "search" tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, mail::text)) STORED, CONSTRAINT "Order_pkey" PRIMARY KEY ("id"));`;

  for (const path of ["migrations-sql/before/foundation.sql", "migrations-sql/foundation.sql"]) {
    test(`an extension, a function of a default, a generated column: ${path}`, async () => {
      await project.write({
        "prisma/schema.prisma": schema,
        [path]: foundation,
        "migrations-sql/orders.sql": `ALTER TABLE "Order" ADD CONSTRAINT mail_at CHECK (mail LIKE '%@%');`,
      });
      await execute(database.url, foundation + orders);
      const { code, stdout } = await project.drift();
      expect(stdout).toContain("missing constraint");
      expect(stdout).toContain("--> migrations-sql/orders.sql:1");
      expect(stdout).toContain("drift: 1 missing; ");
      expect(code).toBe(2);
    });
  }

  test("without it the check says where it belongs", async () => {
    await project.write({ "prisma/schema.prisma": schema });
    const { stderr } = await project.drift();
    expect(stderr).toContain('type "citext" does not exist');
    expect(stderr).toContain("a folder `before` of the hand-written SQL");
  });

  test("init writes it from the migrations, with what comes after, and the next run is clean", async () => {
    const check = 'ALTER TABLE "Order" ADD CONSTRAINT mail_set CHECK (mail IS NOT NULL);';
    await project.write({
      "prisma/schema.prisma": schema,
      "prisma/migrations/1_init/migration.sql": foundation + orders + check,
    });
    const { code, stdout } = await project.drift(["init"]);
    expect(stdout).toBe(
      "migrations-sql/before/010_foundation.sql\nmigrations-sql/010_beyond_prisma.sql\n",
    );
    expect(code).toBe(0);
    const before = await project.read("migrations-sql/before/010_foundation.sql");
    expect(before).toContain("CREATE EXTENSION citext");
    expect(before).not.toContain("REVOKE");
    const parity = await project.drift(["parity"]);
    expect(parity).toMatchObject({ code: 0, stderr: "" });
    expect((await project.drift(["init"])).stderr).toContain("has hand-written SQL already");
    expect((await project.drift(["migrate", "--name", "init"])).stderr).toContain(
      "nothing to write",
    );
  });
});
