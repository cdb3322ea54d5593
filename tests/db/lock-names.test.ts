import { expect, test } from "bun:test";
import { join } from "node:path";
import { LOCKS } from "../../src/db/lock-names.ts";

const SRC = join(import.meta.dir, "..", "..", "src");

test("R71: no two advisory locks are one, and each has its name from one place", async () => {
  expect(new Set(Object.values(LOCKS)).size).toBe(Object.keys(LOCKS).length);
  const named: string[] = [];
  for await (const file of new Bun.Glob("**/*.ts").scan({ cwd: SRC }))
    if (/\b730_?\d{3}\b/.test(await Bun.file(join(SRC, file)).text())) named.push(file);
  expect(named).toEqual(["db/lock-names.ts"]);
});
