/** docs/reference/coverage.md: what it names is there, so that it cannot go stale unseen. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ERRORS } from "../src/errors.ts";
import { SYSTEM_ROLES } from "../src/roles/permissions.ts";
import { testApp } from "./support/app.ts";

const ROOT = join(import.meta.dir, "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

type Row = { guide: string; cells: string[] };
const EXCUSE = /^not yet: \S.{9,}/;
/** How many rows say so. It only ever goes down. */
const NOT_YET = 0;

const rows = rowsOf(read("docs/reference/coverage.md"));
const named = (cell: string | undefined) =>
  [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
const places = rows.flatMap(({ cells }) => named(cells[1]));

/** The rows of the tables, without their heads and rulers; bold ones name a topic and have no cells. */
function rowsOf(page: string): Row[] {
  let guide = "";
  const found: Row[] = [];
  for (const line of page.split("\n")) {
    guide = /^## (Guide \d)/.exec(line)?.[1] ?? guide;
    if (!line.startsWith("|") || /^\| (item|\*\*|---)/.test(line)) continue;
    const cells = line.replaceAll("\\|", "\u0000").split("|").slice(1, -1);
    found.push({ guide, cells: cells.map((cell) => cell.replaceAll("\u0000", "|").trim()) });
  }
  return found;
}

test("each of the four guides has its table, of some length", () => {
  const counts = Map.groupBy(rows, ({ guide }) => guide);
  expect([...counts.keys()]).toEqual(["Guide 1", "Guide 2", "Guide 3", "Guide 4"]);
  for (const [guide, of] of counts) expect([guide, of.length >= 40]).toEqual([guide, true]);
});

describe("every row", () => {
  test("has three cells, none of them empty", () => {
    const faulty = rows.filter(
      ({ cells }) => cells.length !== 3 || cells.some((cell) => cell.length < 3),
    );
    expect(faulty).toEqual([]);
  });

  test("names a test that is there, or says why there is none yet", () => {
    const unproved: string[] = [];
    for (const { cells } of rows) {
      const [item = "", , proof = ""] = cells;
      if (EXCUSE.test(proof)) continue;
      const proofs = [...proof.matchAll(/`((?:packages\/[\w-]+\/)?tests\/[^`]+)` "([^"]+)"/g)];
      const wrong = proofs.filter(([, file = "", name = ""]) => !namesTest(file, name));
      const isWhole = proofs.length > 0 && proofs.map(([text]) => text).join("; ") === proof;
      if (wrong.length > 0 || !isWhole) unproved.push(`${item}: ${proof}`);
    }
    expect(unproved).toEqual([]);
  });

  test("has its test, but for those that are counted here", () => {
    const missing = rows.filter(({ cells }) => EXCUSE.test(cells[2] ?? ""));
    expect(missing).toHaveLength(NOT_YET);
  });
});

describe("what the second column names", () => {
  const app = testApp();

  test("as a file or folder is there", () => {
    const paths = places.filter(
      (place) => /^[\w.-]+(\/[\w.-]+)*(\.\w+|\/)$/.test(place) && !isColumn(place),
    );
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test("as a route is one of the API", async () => {
    const { body } = await app.call("GET /openapi.json");
    const operations = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = places
      .filter((place) => /^[A-Z]+ \/v1\//.test(place))
      .map((route) => route.replace(/\?.*/, "").replace(/:(\w+)/g, "{$1}"));
    expect(routes.length).toBeGreaterThan(20);
    expect(routes.filter((route) => !operations.includes(route))).toEqual([]);
  });

  test("as a column, a table or an index is in the database, as an error or a role in the code", async () => {
    const { rows: found } = await app.deps.pool.query<{ name: string }>(
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = 'public'
       UNION SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
       UNION SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
       UNION SELECT tgname FROM pg_trigger`,
    );
    const others = [...Object.keys(ERRORS), ...Object.keys(SYSTEM_ROLES)];
    const known = new Set([...found.map(({ name }) => name), ...others]);
    const wanted = places.filter((place) => isColumn(place) || /^[a-z]+(_[a-z]+)+$/.test(place));
    expect(wanted.length).toBeGreaterThan(50);
    expect(wanted.filter((name) => !known.has(name))).toEqual([]);
  });

  test("as a variable or a script is one of the project", () => {
    const variables = places.filter((place) => /^[A-Z]+(_[A-Z]+)+/.test(place));
    const scripts = places.flatMap((place) => /^bun run ([\w:]+)/.exec(place)?.[1] ?? []);
    const documented = ["docs/reference/configuration.md", "CONTRIBUTING.md", "prisma/seed.ts"]
      .map(read)
      .join("\n");
    for (const variable of variables) expect(documented).toContain(variable.replace(/=.*/, ""));
    const known = Object.keys(JSON.parse(read("package.json")).scripts);
    expect(scripts.filter((script) => !known.includes(script))).toEqual([]);
  });
});

/** `table.column`, of a table of ours. */
function isColumn(place: string): boolean {
  return /^(tenants|accounts|session_users|users|user_profiles|user_roles|roles|permissions|role_permissions|sessions|refresh_tokens|audit_log)\.[a-z_]+$/.test(
    place,
  );
}

/** Whether the name stands in the file, behind a quote of whatever kind, as a whole name or a part of one. */
function namesTest(file: string, name: string): boolean {
  if (!existsSync(join(ROOT, file))) return false;
  return read(file)
    .split("\n")
    .some((line) => line.slice(line.search(/["'`]/)).includes(name, 1));
}
