import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
/** What a handler could read of a request without a schema. Headers have rules of their own, all of them in http/. */
const READS =
  /\breq\s*\.(json|text|query|queries|parseBody|formData|arrayBuffer|blob|bytes|raw|header)\b|Validator\b|hono\/validator/;

test("R57: body and query reach a handler through validate() alone, which is the one place of zValidator", () => {
  const sources = [...new Bun.Glob("src/**/*.ts").scanSync({ cwd: ROOT })];
  const reading = sources.filter(
    (file) => !file.startsWith("src/http/") && READS.test(readFileSync(join(ROOT, file), "utf8")),
  );
  expect(reading).toEqual([]);
  const validating = sources.filter((file) =>
    readFileSync(join(ROOT, file), "utf8").includes("Validator("),
  );
  expect(validating).toEqual(["src/http/validate.ts"]);
});
