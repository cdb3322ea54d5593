/** The package as its users get it: packed, unpacked into a project, and run by Node where there is no Bun. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, type Outcome, type Project } from "./project.ts";

setDefaultTimeout(60_000);

const PACKAGE = join(import.meta.dir, "..");
const NODE = Bun.which("node") ?? "node";
const book = "model Book {\n  id    Int    @id\n  title String\n}\n";
const table =
  'CREATE TABLE "Book" ("id" INTEGER NOT NULL, "title" TEXT NOT NULL, CONSTRAINT "Book_pkey" PRIMARY KEY ("id"));\n';
const check = `ALTER TABLE "Book" ADD CONSTRAINT title_set CHECK (title <> '');\n`;
const datasource = 'datasource db {\n  provider = "postgresql"\n}\n';

let database: TestDatabase;
let project: Project;

beforeAll(async () => {
  database = await createDatabase({ template: false });
  project = await createProject(database.url, {
    "package.json": '{ "type": "module" }',
    "prisma.config.ts": `import { defineConfig } from "prisma/config";
export default defineConfig({ schema: "prisma/schema.prisma", datasource: { url: process.env.DATABASE_URL } });\n`,
    "prisma/schema.prisma": datasource + book,
    "prisma/migrations/1_init/migration.sql": table + check,
  });
  await execute(database.url, table + check);
  const modules = join(project.folder, "node_modules");
  const target = join(modules, "@tenantry/drift");
  await mkdir(target, { recursive: true });
  await mkdir(join(modules, "@types"));
  // Its build knows no more of the language than Node 20 does.
  const packed = await run(["npm", "pack", "--pack-destination", project.folder], PACKAGE);
  expect(packed).toMatchObject({ code: 0 });
  const [tarball = ""] = new Bun.Glob("*.tgz").scanSync({ cwd: project.folder });
  await run(["tar", "xzf", join(project.folder, tarball), "-C", target, "--strip-components", "1"]);
  for (const name of ["pg", "prisma"]) {
    const found = dirname(Bun.resolveSync(`${name}/package.json`, import.meta.dir));
    await symlink(found, join(modules, name));
  }
});

afterAll(async () => {
  await project?.remove();
  await database?.drop();
});

async function run(
  command: string[],
  cwd = project.folder,
  env: Record<string, string | undefined> = process.env,
): Promise<Outcome> {
  const child = Bun.spawn(command, { cwd, env, stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

/** By Node, with nothing else on the path. */
function drift(...args: string[]): Promise<Outcome> {
  const program = join(project.folder, "node_modules/@tenantry/drift/dist/cli/drift.js");
  const env = {
    ...{ PATH: "/nowhere", HOME: project.folder, DATABASE_URL: database.url },
    // Whoever runs the tests may have set a limit to addresses.
    NODE_OPTIONS: "--disable-wasm-trap-handler",
  };
  return run([NODE, program, ...args], project.folder, env);
}

test("Node runs it: help, check, init, a finding with its repair", async () => {
  expect((await drift("--help")).stdout).toContain("Usage: tenantry-drift");
  expect((await drift("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const first = await drift();
  expect(first.stderr).not.toContain("error");
  expect(first.stdout).toStartWith("no drift");
  expect(first.stderr).toContain('constraint public."Book".title_set');
  expect(first.code).toBe(0);

  expect((await drift("init")).stdout).toBe("migrations-sql/010_beyond_prisma.sql\n");
  await execute(database.url, 'ALTER TABLE "Book" DROP CONSTRAINT title_set');
  const second = await drift();
  expect(second.stdout).toContain("  --> migrations-sql/010_beyond_prisma.sql:2\n");
  expect(second.code).toBe(2);
  expect(await drift("repair", "--apply")).toMatchObject({ code: 0 });
});

test("what it imports is Node, pg and itself", async () => {
  const dist = join(project.folder, "node_modules/@tenantry/drift/dist");
  const imported = new Set<string>();
  for (const file of new Bun.Glob("**/*.js").scanSync({ cwd: dist })) {
    const text = await Bun.file(join(dist, file)).text();
    for (const [, name = ""] of text.matchAll(/^(?:import|export)[^;]*? from "([^.][^"]*)"/gm))
      imported.add(name.replace(/^node:.*/, "node:"));
  }
  expect([...imported].sort()).toEqual(["node:", "pg"]);
  const { dependencies } = await Bun.file(join(PACKAGE, "package.json")).json();
  expect(Object.keys(dependencies)).toEqual(["pg"]);
});

test("strict TypeScript that checks its libraries too has no errors of it", async () => {
  await project.write({
    "use.ts": `import { type Fingerprints, readFingerprints } from "@tenantry/drift/fingerprint";
export const same = async (url: string): Promise<boolean> => {
  const { expected, live }: Fingerprints = await readFingerprints(url, "migrations-sql/drift.snapshot.json");
  return expected === live;
};\n`,
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        ...{ strict: true, skipLibCheck: false, noEmit: true, types: [], target: "ES2022" },
        ...{ module: "NodeNext", moduleResolution: "NodeNext", exactOptionalPropertyTypes: true },
      },
      files: ["use.ts"],
    }),
  });
  const tsc = join(dirname(Bun.resolveSync("typescript/package.json", import.meta.dir)), "bin/tsc");
  expect(await run([NODE, tsc, "-p", "."])).toEqual({ stdout: "", stderr: "", code: 0 });
});

test("the contract names every field of the report and of a finding", async () => {
  const contract = await Bun.file(join(PACKAGE, "CONTRACT.md")).text();
  await execute(database.url, "CREATE TABLE extra (id int)");
  const { stdout, code } = await drift("--format", "json");
  const report = JSON.parse(stdout);
  expect(code).toBe(2);
  for (const name of [...Object.keys(report), ...Object.keys(report.findings[0])])
    expect(contract).toContain(`\`${name}\``);
});
