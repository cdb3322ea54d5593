/** docs/reference/requirements.md: what it calls met has tests that carry the number. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const LAST = 83;

const page = readFileSync(join(ROOT, "docs/reference/requirements.md"), "utf8");
const rows = [...page.matchAll(/^\| R(\d+) \| (.+?) \| (.*?) ?\|$/gm)].map(
  ([, number, requirement, how]) => ({ number: Number(number), requirement, how: how ?? "" }),
);

/** The numbers that names of tests begin with: "R34: …", "R53, R56: …". */
function tested(): Set<number> {
  const numbers = new Set<number>();
  for (const file of new Bun.Glob("tests/**/*.ts").scanSync({ cwd: ROOT })) {
    const source = readFileSync(join(ROOT, file), "utf8");
    for (const [list] of source.matchAll(/(?<=["`'])(?:R\d+(?:, | and )?)+(?=:)/g))
      for (const [, number] of list.matchAll(/R(\d+)/g)) numbers.add(Number(number));
  }
  return numbers;
}

test("the table has a row for every requirement, in order", () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: LAST }, (_, n) => n + 1));
});

test("whatever it does not call n/a has a test that names it, and what it does says why", () => {
  const numbers = tested();
  for (const { number, how } of rows) {
    const notApplicable = how.startsWith("n/a");
    if (notApplicable)
      expect([number, how]).toEqual([number, expect.stringMatching(/^n\/a.*: .+/)]);
    else expect([`R${number}`, numbers.has(number)]).toEqual([`R${number}`, true]);
  }
});
