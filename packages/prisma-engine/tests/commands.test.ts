/** The commands about the schema file and the database, next to migrations. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createProject, ROOT, run, SCHEMA, TIMEOUT_MS } from "./project.ts";

const GENERATOR =
  'generator client {\n  provider = "prisma-client"\n  output = "../generated"\n}\n';
const UGLY = `${SCHEMA}model   Note {\nid Int @id\n}\n`;

test(
  "generate, validate, format and diff need no database",
  async () => {
    await using project = await createProject({ "prisma/schema.prisma": GENERATOR + UGLY });
    const offline = { DATABASE_URL: undefined };
    expect((await project.prisma("validate", offline)).code).toBe(0);
    expect((await project.prisma("generate", offline)).code).toBe(0);
    expect(existsSync(join(project.folder, "generated/client.ts"))).toBe(true);
    expect((await project.prisma("format", offline)).code).toBe(0);
    const formatted = await Bun.file(join(project.folder, "prisma/schema.prisma")).text();
    expect(formatted).toContain("model Note {\n  id Int @id\n}");

    const diff = "migrate diff --from-empty --to-schema prisma/schema.prisma --script";
    const { stdout, code } = await project.prisma(diff, offline);
    expect(stdout).toContain('CREATE TABLE "Note"');
    expect(code).toBe(0);

    await project.write({ "prisma/schema.prisma": `${SCHEMA}model Broken { id }` });
    const invalid = await project.prisma(diff, offline);
    expect(invalid.output).toContain("P1012");
    expect(invalid.code).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  "push, then diff, pull, execute and seed",
  async () => {
    await using project = await createProject({
      "prisma/seed.ts": `
        import { SQL } from "bun";
        await using sql = new SQL(process.env.DATABASE_URL);
        await sql\`INSERT INTO "User" VALUES (7, 'seed@example.com')\`;`,
      "good.sql":
        "CREATE TABLE extra (id int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;",
    });
    const diff =
      "migrate diff --from-config-datasource --to-schema prisma/schema.prisma --exit-code";
    const push = await project.prisma("db push");
    expect(push.output).toContain("Your database is now in sync with your Prisma schema.");
    expect(push.code).toBe(0);
    const same = await project.prisma(diff);
    expect(same.output).toContain("No difference detected.");
    expect(same.code).toBe(0);

    expect((await project.prisma("db execute --file good.sql")).code).toBe(0);
    const failed = await project.prisma("db execute --file good.sql");
    expect(failed.output).toContain('relation "extra" already exists');
    expect(failed.code).toBe(1);
    const different = await project.prisma(`${diff} --output difference.txt`);
    expect(different.code).toBe(2);
    const difference = await Bun.file(join(project.folder, "difference.txt")).text();
    expect(difference).toContain("[-] Removed tables\n  - extra");

    // Without DATABASE_URL, as beside `bun dev`: the seed is told the address too.
    await project.write({ ".data/dev.url": project.url });
    expect((await project.prisma("db seed", { DATABASE_URL: undefined })).code).toBe(0);
    expect(await project.query('SELECT id FROM "User"')).toEqual([{ id: 7 }]);
    expect((await project.prisma("db pull")).code).toBe(0);
    const pulled = await Bun.file(join(project.folder, "prisma/schema.prisma")).text();
    expect(pulled).toContain("model extra {");

    await project.write({ "prisma/schema.prisma": SCHEMA.replace("email String @unique", "") });
    const destructive = await project.prisma("db push");
    expect(destructive.output).toContain("--accept-data-loss");
    expect(destructive.code).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  "studio serves its page and reads the database",
  async () => {
    await using project = await createProject();
    const port = freePort();
    await using studio = Bun.spawn(
      ["bunx", "prisma", "studio", "--browser", "none", "--port", String(port)],
      {
        cwd: project.folder,
        env: { ...process.env, DATABASE_URL: project.url },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let output = "";
    for await (const chunk of studio.stdout.pipeThrough(new TextDecoderStream())) {
      output += chunk;
      if (output.includes("running at")) break;
    }

    const page = await fetch(`http://localhost:${port}/`);
    expect(await page.text()).toContain('<script type="module" src="/studio.js">');
    const answer = await fetch(`http://localhost:${port}/bff`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        procedure: "query",
        query: { sql: "SELECT 40 + 2 AS n", parameters: [] },
      }),
    });
    expect(await answer.json()).toEqual([null, [{ n: 42 }]]);
  },
  TIMEOUT_MS,
);

test(
  "this repository's own configuration and schema",
  async () => {
    expect((await run(ROOT, "validate")).code).toBe(0);
    const diff = "migrate diff --from-empty --to-schema prisma/schema.prisma --script";
    const { stdout, code } = await run(ROOT, diff, {
      DATABASE_URL: "postgresql://localhost:1/none",
    });
    expect(stdout).toContain('CREATE TABLE "tenants"');
    expect(code).toBe(0);
  },
  TIMEOUT_MS,
);

function freePort(): number {
  using listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  return listener.port;
}
