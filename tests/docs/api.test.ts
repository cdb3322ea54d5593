/** docs/reference/api.md: every route with what it needs, and every error with its status. */
import { expect, test } from "bun:test";
import { ERRORS } from "../../src/errors.ts";
import { routes } from "../http/document.ts";
import type { Row } from "../matrix/row.ts";
import { OWN } from "../matrix/rows/own.ts";
import { TENANT } from "../matrix/rows/tenant.ts";
import { testApp } from "../support/app.ts";
import { page, tableRows } from "./pages.ts";

const MATRIX: Record<string, Row> = { ...OWN, ...TENANT };
const rows = tableRows(page("docs/reference/api.md"));

const app = testApp();

test("the page has every route, with its summary and what the matrix finds that it needs", async () => {
  const { body } = await app.call("GET /openapi.json");
  const told = rows.filter(([route]) => /^`[A-Z]+ \/v1\//.test(route ?? ""));
  const held = routes(body).map(({ name, operation }) => [
    `\`${name}\``,
    operation.summary,
    needs(MATRIX[name]),
  ]);
  expect(told.toSorted(byRoute)).toEqual(held.toSorted(byRoute));
});

test("the page has every error, with its status, its title and its text", () => {
  const told = rows.filter(([status]) => /^[45]\d\d$/.test(status ?? ""));
  const held = Object.entries(ERRORS).map(([code, { status, title, detail }]) => [
    String(status),
    `\`${code}\``,
    title,
    detail.replaceAll("<", "\\<"),
  ]);
  expect(told.toSorted(byCode)).toEqual(held.toSorted(byCode));
});

function needs(row: Row | undefined): string {
  if (!row || row.access === "anonymous") return "";
  if (row.access === "token") return "a session or an API key";
  if (row.access === "session") return "a session";
  return row.session ? `\`${row.access}\`, a session` : `\`${row.access}\``;
}

function byRoute([a = ""]: string[], [b = ""]: string[]): number {
  return a < b ? -1 : 1;
}

function byCode([, a = ""]: string[], [, b = ""]: string[]): number {
  return a < b ? -1 : 1;
}
