/** What `bun run test` runs, how it is spread over processes, and what it makes of their reports. */
import { describe, expect, test } from "bun:test";
import { ROOT } from "../../scripts/prepare.ts";
import { batchesOf, readArguments, testFiles } from "../../scripts/test-batches.ts";
import { readReport } from "../../scripts/test-report.ts";

describe("batches", () => {
  test("every test file of the repository is in one of them, once", async () => {
    const all = [...new Bun.Glob("**/*{.test,_test,.spec,_spec}.{ts,tsx,js,jsx}").scanSync(ROOT)]
      .filter((file) => !/(^|\/)(node_modules|generated)\//.test(file))
      .sort();
    expect(all).toContain("tests/dev/test-run.test.ts");
    expect(batchesOf(testFiles(ROOT, [])).flat().sort()).toEqual(all);
  });

  test("files of one folder share a process, few of them, and the small batches come last", () => {
    const files = [..."abcde"].map((name) => `users/${name}.test.ts`);
    expect(batchesOf(["cli/a.test.ts", ...files], 3)).toEqual([
      ["users/c.test.ts", "users/d.test.ts", "users/e.test.ts"],
      ["users/a.test.ts", "users/b.test.ts"],
      ["cli/a.test.ts"],
    ]);
  });

  test("words choose files by their path; what looks like a flag is for bun, with all that follows", () => {
    expect(readArguments(["tests/cli", "audit", "-t", "R34"])).toEqual({
      words: ["tests/cli", "audit"],
      flags: ["-t", "R34"],
    });
    expect(testFiles(ROOT, ["tests/dev/test-r", "dev/private"])).toEqual([
      "tests/dev/private-folder.test.ts",
      "tests/dev/test-run.test.ts",
    ]);
  });
});

describe("the report of a process", () => {
  const report = (attributes: string, cases = "") =>
    `<?xml version="1.0"?>\n<testsuites name="bun test" ${attributes}>${cases}</testsuites>`;
  const files = ["tests/a.test.ts"];

  test("failures are counted and named by their file", () => {
    const failed =
      '<testcase name="holds" time="1" file="tests/a.test.ts" line="1">\n<failure type="x" /></testcase>';
    const text = report('tests="5" failures="1" skipped="1" time="1"', failed);
    const names = ["tests/a.test.ts: holds"];
    expect(readReport(text, { status: 1, files })).toEqual({ passed: 3, failed: 1, names });
  });

  test("a process that died, or failed beside its tests, is one failure", () => {
    const names = ["tests/a.test.ts: ended with exit code 132"];
    const died = { status: 132, files };
    expect(readReport(undefined, died)).toEqual({ passed: 0, failed: 1, names });
    const text = report('tests="5" failures="0" skipped="0"');
    expect(readReport(text, died)).toEqual({ passed: 5, failed: 1, names });
  });

  test("so is one that ended well amid its tests, before it had a report", () => {
    const names = ["tests/a.test.ts: ended with exit code 0"];
    expect(readReport(undefined, { status: 0, files })).toEqual({ passed: 0, failed: 1, names });
  });

  test("one in which no test has the name that was asked for has run nothing", () => {
    const text = report('tests="6" failures="0" skipped="6"');
    expect(readReport(text, { status: 0, files })).toEqual({ passed: 0, failed: 0, names: [] });
  });
});
