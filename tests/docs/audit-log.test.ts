/** docs/reference/audit-log.md: every action that the code records, and no other. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { page, ROOT, tableRows } from "./pages.ts";

/** In a string of TypeScript or of SQL. */
const ACTION =
  /(["'])((?:auth|session|user|factor|role|invitation|service_account|api_key|tenant|platform|signing_key|audit_log)\.[a-z_]+)\1/g;

test("the page has every action", () => {
  const rows = tableRows(page("docs/reference/audit-log.md"));
  const told = rows.flatMap(([, cell = ""]) => cell.match(/(?<=`)[a-z_]+\.[a-z_]+(?=`)/g) ?? []);
  expect(told.length).toBeGreaterThan(60);
  expect(told.toSorted()).toEqual([...recorded()].sort());
});

function recorded(): Set<string> {
  const found = new Set<string>();
  for (const file of new Bun.Glob("src/**/*.ts").scanSync({ cwd: ROOT }))
    for (const [, , action = ""] of readFileSync(join(ROOT, file), "utf8").matchAll(ACTION))
      found.add(action);
  // `factor.${change}` of factors/changes.ts, where a change is "added" or "removed".
  return found.add("factor.removed");
}
