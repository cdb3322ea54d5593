/** Databases that cannot be reached: each has its Prisma code, and none keeps anybody waiting. */
import { expect, test } from "bun:test";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { createProject, query, TIMEOUT_MS, withUrl } from "./project.ts";

test(
  "each failure to connect has its code",
  async () => {
    await using project = await createProject();
    // It takes connections and says nothing.
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const silentUrl = `postgresql://127.0.0.1:${silent.port}/postgres?connect_timeout=1`;
    const expected: [command: string, url: string, code: string][] = [
      ["migrate deploy", withUrl(project.url, { password: "wrong" }), "P1000"],
      ["db execute --file prisma.config.ts", withUrl(project.url, { port: "1" }), "P1001"],
      ["migrate status", silentUrl, "P1001"],
      ["migrate status", withUrl(project.url, { pathname: "/prisma_absent" }), "P1003"],
      ["migrate status", "mysql://localhost/nowhere", "P1013"],
    ];

    for (const [command, url, code] of expected) {
      const startedAt = performance.now();
      const outcome = await project.prisma(command, { DATABASE_URL: url });
      expect(outcome.output).toContain(code);
      expect(outcome.code).toBe(1);
      expect(performance.now() - startedAt).toBeLessThan(30_000);
    }
  },
  TIMEOUT_MS,
);

test(
  "with no DATABASE_URL the development server is used, or recommended when there is none",
  async () => {
    await using project = await createProject();
    const { output, code } = await project.prisma("migrate status", { DATABASE_URL: undefined });
    expect(output).toContain("P1001");
    expect(output).toContain("`bun dev`");
    expect(code).toBe(1);

    await project.write({ ".data/dev.url": `${project.url}\n` });
    const deploy = await project.prisma("migrate deploy", { DATABASE_URL: undefined });
    expect(deploy.output).toContain("No pending migrations to apply.");
    expect(deploy.code).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "deploy creates a database that is missing, and ?schema= is where the migrations go",
  async () => {
    await using project = await createProject({
      "prisma/migrations/1_notes/migration.sql": "CREATE TABLE notes (id int);",
    });
    const database = await createDatabase({ template: false });
    await database.drop();
    const url = withUrl(database.url, { search: "?schema=other%20place" });
    const { output, code } = await project.prisma("migrate deploy", { DATABASE_URL: url });
    expect(output).toContain(`PostgreSQL database ${database.name} created`);
    expect(code).toBe(0);
    const tables = await query(
      database.url,
      "SELECT schemaname FROM pg_tables WHERE tablename IN ('notes', '_prisma_migrations')",
    );
    await database.drop();
    expect(tables).toEqual([{ schemaname: "other place" }, { schemaname: "other place" }]);
  },
  TIMEOUT_MS,
);
