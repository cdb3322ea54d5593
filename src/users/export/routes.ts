import { Hono } from "hono";
import { accepts } from "hono/accepts";
import type { AppEnv } from "../../context.ts";
import { authenticate, authorize } from "../../http/authenticate.ts";
import { toCsvRow } from "../../http/csv.ts";
import { operation } from "../../http/operation.ts";
import { patient } from "../../http/patient.ts";
import { exportStream } from "../../http/stream.ts";
import { validate } from "../../http/validate.ts";
import { assertStillAllowed } from "../../sessions/still-allowed.ts";
import { User } from "../public-user.ts";
import { ExportQuery, exportUsers } from "./export.ts";

const TYPES = ["text/csv", "application/x-ndjson"];
const COLUMNS = Object.keys(User.shape) as (keyof User)[];

const op = operation("Users");

export const userExportRoutes = new Hono<AppEnv>().get(
  "/export",
  op("Export all users, by Accept as CSV or as JSON a line", { 200: TYPES, errors: [403, 422] }),
  patient(),
  authenticate(),
  authorize("user:export"),
  validate("query", ExportQuery),
  async (c) => {
    const type = accepts(c, { header: "Accept", supports: TYPES, default: "text/csv" });
    const { ctx } = c.var;
    const body = await exportStream(ctx, {
      mayGoOn: () => assertStillAllowed(ctx, "user:export"),
      begin() {
        const pages = exportUsers(ctx, c.req.valid("query"));
        return type === "text/csv" ? toCsv(pages) : toJsonLines(pages);
      },
    });
    c.header("vary", "Origin, Accept");
    c.header(
      "content-disposition",
      `attachment; filename="users.${type === "text/csv" ? "csv" : "ndjson"}"`,
    );
    return c.body(body, 200, { "content-type": `${type}; charset=utf-8` });
  },
);

async function* toCsv(pages: AsyncGenerator<User[]>): AsyncGenerator<string, void> {
  yield toCsvRow(COLUMNS);
  for await (const users of pages)
    yield users.map((user) => toCsvRow(COLUMNS.map((column) => toCell(user[column])))).join("");
}

function toCell(value: User[keyof User]): string {
  return Array.isArray(value) ? value.join(";") : String(value ?? "");
}

async function* toJsonLines(pages: AsyncGenerator<User[]>): AsyncGenerator<string, void> {
  for await (const users of pages) yield users.map((user) => `${JSON.stringify(user)}\n`).join("");
}
