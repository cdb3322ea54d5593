/** What the engine is started by, and how it ends. */
import { expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { createProject, ROOT, TIMEOUT_MS } from "./project.ts";

const ENGINE = join(ROOT, "packages/prisma-engine/src/schema-engine.ts");

test(
  "Bun is enough: there need be no Node",
  async () => {
    await using project = await createProject({
      "prisma/migrations/1_users/migration.sql": "CREATE TABLE users (id int);",
    });
    const PATH = join(project.folder, "bin");
    await mkdir(PATH);
    await symlink(process.execPath, join(PATH, "bun"));
    await symlink(process.execPath, join(PATH, "bunx"));
    for (const program of ["env", "sh"]) {
      await symlink(Bun.which(program) ?? "", join(PATH, program));
    }

    // Under npx these name a Node, and bunx then believes that there is one.
    const env = { PATH, NODE: undefined, npm_node_execpath: undefined };
    const deploy = await project.prisma("migrate deploy", env);
    expect(deploy.output).toContain("1_users");
    expect(deploy.code).toBe(0);
    const diff = "migrate diff --from-migrations prisma/migrations --to-config-datasource";
    const { output, code } = await project.prisma(`${diff} --exit-code`, env);
    expect(output).toContain("No difference detected.");
    expect(code).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "the engine answers what it cannot do, and goes when its input ends",
  async () => {
    const requests = [
      { id: 1, method: "noSuchMethod" },
      { id: 2, method: "introspectSql", params: { url: "", queries: [] } },
      // The engine dies of this one.
      { id: 3, method: "diff", params: { from: { tag: "empty" } } },
      { id: 4, method: "debugPanic" },
    ];
    await using engine = Bun.spawn(
      ["bun", ENGINE, "--datasource", '{"url":"postgresql://localhost:1/x"}'],
      {
        stdio: [
          new Blob([`${requests.map((request) => JSON.stringify(request)).join("\n")}\n`]),
          "pipe",
          "ignore",
        ],
      },
    );
    const lines = (await engine.stdout.text()).trim().split("\n");
    const answers = lines.map(
      (line) => JSON.parse(line) as { id: number; error: { data: object } },
    );
    expect(answers.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    for (const { error } of answers) expect(error.data).toMatchObject({ is_panic: false });
    expect(await engine.exited).toBe(0);
  },
  TIMEOUT_MS,
);

test("the engine is the very one that the CLI was made for", async () => {
  const version = async (name: string) => {
    const manifest = await Bun.file(
      join(ROOT, "node_modules/@prisma", name, "package.json"),
    ).json();
    return manifest.version as string;
  };
  expect(await version("schema-engine-wasm")).toBe(await version("engines-version"));
});
