/** What is written is written whole or not at all, and says why it could not be. A limit on files stands for a full disk. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, readdir, readlink, rm, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { writeNew } from "../src/project/write.ts";
import { createProject, type Outcome, type Project } from "./project.ts";

setDefaultTimeout(60_000);

const CLI = join(import.meta.dir, "../src/cli/drift.ts");
const columns = Array.from({ length: 40 }, (_, i) => `column_with_a_long_name_${i} integer`);
const table = `CREATE TABLE things (id integer PRIMARY KEY, ${columns.join(", ")});\n`;
const files = {
  "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
  "migrations-sql/tables.sql": table,
};

let database: TestDatabase;
let project: Project;

beforeAll(async () => {
  database = await createDatabase({ template: false });
  project = await createProject(database.url, files);
});
afterAll(async () => {
  await project.remove();
  await database.drop();
});

/** No file may become larger than some hundred bytes: the write fails when a part of it is on the disk. */
const limited = (args: string[], folder = project.folder) =>
  run(["sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$0" "$@"', process.execPath, CLI, ...args], {
    folder,
  });

async function run(command: string[], { folder = project.folder } = {}): Promise<Outcome> {
  const child = Bun.spawn(command, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, DATABASE_URL: database.url },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

function expectRefused({ code, stderr }: Outcome, message: string): void {
  expect(stderr).toContain(message);
  expect(stderr).not.toContain("    at ");
  expect(code).toBe(1);
}

test.each(["html", "sarif", "json"])("a %s report leaves the former one", async (format) => {
  await project.write({ "reports/last": "the former" });
  const outcome = await limited(["--format", format, "--output", "reports/last"]);
  expectRefused(outcome, "reports/last cannot be written: ");
  expect(await project.read("reports/last")).toBe("the former");
  expect(await readdir(join(project.folder, "reports"))).toEqual(["last"]);
});

test("a repair whose script cannot be written is not applied", async () => {
  const outcome = await limited(["repair", "--apply", "--output", "repair.sql"]);
  expectRefused(outcome, "repair.sql cannot be written: ");
  expect((await project.drift(["--no-repair"])).stdout).toContain("missing table");
});

test("a snapshot leaves none", async () => {
  expectRefused(await limited(["snapshot"]), "drift.snapshot.json cannot be written: ");
  expect(await readdir(join(project.folder, "migrations-sql"))).toEqual(["tables.sql"]);
});

test("a migration leaves no folder, though its rollback was written", async () => {
  const outcome = await limited(["migrate", "--name", "add_things"]);
  expectRefused(outcome, "migration.sql cannot be written: ");
  expect(await readdir(join(project.folder, "prisma/migrations"))).toEqual(["migration_lock.toml"]);
});

test("init leaves nothing, though its first file was written", async () => {
  const other = await createProject(database.url, {
    "prisma/schema.prisma": `${files["prisma/schema.prisma"]}model Book {\n  id Int @id @default(dbgenerated("next_id()"))\n}\n`,
    "prisma/migrations/1_all/migration.sql": `CREATE FUNCTION next_id() RETURNS integer LANGUAGE sql AS 'SELECT 1';
      CREATE TABLE "Book" (id integer NOT NULL DEFAULT next_id(), CONSTRAINT "Book_pkey" PRIMARY KEY (id)); ${table}`,
  });
  try {
    const outcome = await limited(["init"], other.folder);
    expectRefused(outcome, "010_beyond_prisma.sql cannot be written: ");
    expect(await readdir(other.folder)).not.toContain("migrations-sql");
    expect((await other.drift(["init"])).stdout).toContain("before/010_foundation.sql");
  } finally {
    await other.remove();
  }
});

test("a run that is killed leaves no folder that a deploy takes for a migration, and the next clears up", async () => {
  const path = "prisma/migrations/2_add/migration.sql";
  const killed = Bun.spawn(
    [
      process.execPath,
      "-e",
      // Large enough to be killed while it is written.
      `import { writeNew } from ${JSON.stringify(join(import.meta.dir, "../src/project/write.ts"))};
       await writeNew([{ path: "prisma/migrations/2_add/rollback.sql", text: "x" }, { path: "${path}", text: "x".repeat(5e8) }], "prisma");`,
    ],
    { cwd: project.folder },
  );
  const drafts = async () =>
    (await readdir(join(project.folder, "prisma"))).filter((name) => name.startsWith(".drift-"));
  while ((await drafts()).length === 0) await Bun.sleep(1);
  killed.kill("SIGKILL");
  await killed.exited;
  expect(await drafts()).toHaveLength(1);
  expect(await readdir(join(project.folder, "prisma/migrations"))).toEqual(["migration_lock.toml"]);
  expect((await project.drift(["--no-repair"])).stdout).toContain("missing table");
  const [draft = ""] = await drafts();
  const long = new Date(Date.now() - 7_200_000);
  await utimes(join(project.folder, "prisma", draft), long, long);
  await writeNew([{ path: join(project.folder, path), text: "x" }], join(project.folder, "prisma"));
  expect(await drafts()).toEqual([]);
  await rm(join(project.folder, "prisma/migrations/2_add"), { recursive: true });
});

test("a result that stdout does not take is no success", async () => {
  const shell = `exec "$0" "$@" > /dev/full`;
  const outcome = await run(["sh", "-c", shell, process.execPath, CLI, "--format", "json"]);
  expectRefused(outcome, "The result cannot be written to stdout: ");
});

test("a link stays one, a pipe is written, and what cannot be a file says why", async () => {
  await mkdir(join(project.folder, "elsewhere"));
  await project.write({ "elsewhere/report": "the former" });
  await symlink("elsewhere/report", join(project.folder, "linked"));
  await project.drift(["--output", "linked"]);
  expect(await readlink(join(project.folder, "linked"))).toBe("elsewhere/report");
  expect(await project.read("elsewhere/report")).toContain("missing table public.things");
  const piped = ["sh", "-c", '"$0" "$1" --output /dev/stdout | cat', process.execPath, CLI];
  expect((await run(piped)).stdout).toContain("missing table public.things");

  const refusal = async (path: string) => (await project.drift(["--output", path])).stderr;
  expect(await refusal("elsewhere")).toContain("elsewhere cannot be written: it is a folder.");
  expect(await refusal("absent/x")).toContain("absent/x cannot be written: its folder does not ");
  expect(await refusal("linked/x")).toContain("linked/x cannot be written: a part of the path is ");
});
