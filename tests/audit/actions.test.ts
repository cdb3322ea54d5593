/** The list of audit actions: what is written, what the API document tells, and the page in the reference. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AUDIT_ACTIONS } from "../../src/audit/actions.ts";
import { testApp } from "../support/app.ts";

const ROOT = join(import.meta.dir, "..", "..");
const app = testApp();

const sources = ["src/**/*.ts", "migrations-sql/*.sql"]
  .flatMap((files) => [...new Bun.Glob(files).scanSync(ROOT)])
  .filter((path) => path !== "src/audit/actions.ts")
  .map((path) => readFileSync(join(ROOT, path), "utf8"));

/** Strings in either kind of quotes that look like an action. */
function namedIn(source: string): string[] {
  return [...source.matchAll(/["']([a-z_]{3,}\.[a-z_]+)["']/g)].map(([, name = ""]) => name);
}

test("each action is written somewhere", () => {
  const named = new Set(sources.flatMap(namedIn));
  expect(Object.keys(AUDIT_ACTIONS).filter((action) => !named.has(action))).toEqual([]);
});

test("whoever writes rows past recordAudit, which takes no other action, knows no other either", () => {
  const writers = sources.filter((source) =>
    /auditLog\.create|INSERT INTO (public\.)?audit_log/.test(source),
  );
  const named = writers.flatMap(namedIn);
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((action) => !Object.hasOwn(AUDIT_ACTIONS, action))).toEqual([]);
});

test("the page in the reference has each of them, in order, and what happened", () => {
  const page = readFileSync(join(ROOT, "docs/reference/audit-actions.md"), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  expect(rows).toEqual(
    Object.entries(AUDIT_ACTIONS).map(([action, what]) => `| \`${action}\` | ${what} |`),
  );
});

test("the API document tells each, in a row and for the filter, and promises no others", async () => {
  const { body } = await app.call("GET /openapi.json");
  const { action } = body.components.schemas.AuditRow.properties;
  expect(action).toEqual({ type: "string", description: expect.any(String) });
  for (const [name, what] of Object.entries(AUDIT_ACTIONS))
    expect(action.description.split("\n")).toContain(`- \`${name}\`: ${what}`);
  for (const path of ["/v1/audit-logs", "/v1/audit-logs/export"]) {
    const filter = body.paths[path].get.parameters.find(
      (parameter: { name: string }) => parameter.name === "action",
    );
    expect(filter.schema).toEqual({
      type: "string",
      maxLength: 64,
      examples: Object.keys(AUDIT_ACTIONS),
    });
  }
});
