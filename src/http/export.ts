/** Answers of many rows: by Accept as CSV or as JSON a line. */
import type { Context as HonoContext } from "hono";
import { accepts } from "hono/accepts";
import { z } from "zod";
import type { AuthedEnv } from "../context.ts";
import type { PermissionKey } from "../roles/permissions.ts";
import { assertStillAllowed } from "../sessions/still-allowed.ts";
import { toCsvRow } from "./csv.ts";
import { UNKNOWN_LENGTH } from "./head.ts";
import { exportStream } from "./stream.ts";

const FORMATS = { "text/csv": "csv", "application/x-ndjson": "ndjson" } as const;

/** How a CSV begins: with the mark of byte order, without which Excel takes UTF-8 for the code page of its machine. */
export const EXPORT_FORM = { bom: z.stringbool().default(true) };

type Type = keyof typeof FORMATS;
type Pages<Row> = AsyncGenerator<Row[], void>;
type Export<Row> = {
  /** Of the file, without its ending. */
  name: string;
  /** The first where Accept says nothing. */
  types: readonly [Type, Type];
  /** Asked for again before each piece. */
  permission: PermissionKey;
  bom: boolean;
  /** Of the CSV, in their order. */
  columns: readonly (keyof Row)[];
  /** Called when there is a turn for it. */
  pages(format: (typeof FORMATS)[Type]): Pages<Row> | Promise<Pages<Row>>;
};

/** The rows as a file, a page in memory at a time. @throws ApiError `overloaded`; what `pages` throws. */
export async function exportFile<Row extends object>(
  c: HonoContext<AuthedEnv>,
  { name, types, permission, bom, columns, pages }: Export<Row>,
): Promise<Response> {
  const ctx = c.get("ctx");
  const supports = [...types];
  const type = accepts(c, { header: "Accept", supports, default: types[0] }) as Type;
  const format = FORMATS[type];
  // Of HEAD nothing goes out, so no row is read, and none of the audit log says that one did.
  const isHead = c.req.method === "HEAD";
  const mayGoOn = () => assertStillAllowed(ctx, permission);
  async function begin() {
    const rows = await pages(format);
    return format === "csv" ? toCsv(rows, columns, bom) : toJsonLines(rows);
  }
  const body = isHead ? null : await exportStream(ctx, { mayGoOn, begin });
  c.header("vary", "Accept", { append: true });
  c.header("content-disposition", `attachment; filename="${name}.${format}"`);
  c.header("content-type", `${type}; charset=utf-8`);
  return body === null ? c.body(null, 200, UNKNOWN_LENGTH) : c.body(body);
}

async function* toCsv<Row>(pages: Pages<Row>, columns: readonly (keyof Row)[], bom: boolean) {
  yield `${bom ? "\ufeff" : ""}${toCsvRow(columns)}`;
  for await (const rows of pages)
    yield rows.map((row) => toCsvRow(columns.map((column) => row[column]))).join("");
}

async function* toJsonLines(pages: Pages<object>) {
  for await (const rows of pages) yield rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
