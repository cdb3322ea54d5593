import { Hono } from "hono";
import { accepts } from "hono/accepts";
import type { AppEnv } from "../context.ts";
import { pageOf } from "../fields.ts";
import { authenticate, authorize } from "../http/authenticate.ts";
import { toCsvRow } from "../http/csv.ts";
import { operation } from "../http/operation.ts";
import { patient } from "../http/patient.ts";
import { exportStream } from "../http/stream.ts";
import { validate } from "../http/validate.ts";
import { assertStillAllowed } from "../sessions/still-allowed.ts";
import { cellsOf, EXPORT_COLUMNS, exportAuditLog } from "./export.ts";
import { AuditRow, ExportAuditQuery, ListAuditQuery, listAuditLogs } from "./list.ts";

const op = operation("Audit");

const TYPES = ["application/x-ndjson", "text/csv"];

export const auditRoutes = new Hono<AppEnv>()
  .get(
    "/",
    op("Read the audit log", { 200: pageOf(AuditRow, "AuditPage"), errors: [403, 422] }),
    authenticate(),
    authorize("audit:read"),
    validate("query", ListAuditQuery),
    async (c) => c.json(await listAuditLogs(c.var.ctx, c.req.valid("query"))),
  )
  .get(
    "/export",
    op("Export the audit log, by Accept as JSON a line or as CSV", {
      200: TYPES,
      errors: [403, 422],
    }),
    patient(),
    authenticate(),
    authorize("audit:export"),
    validate("query", ExportAuditQuery),
    async (c) => {
      const type = accepts(c, {
        header: "Accept",
        supports: TYPES,
        default: "application/x-ndjson",
      });
      const isCsv = type === "text/csv";
      const { ctx } = c.var;
      const body = await exportStream(ctx, {
        mayGoOn: () => assertStillAllowed(ctx, "audit:export"),
        async begin() {
          const format = isCsv ? "csv" : "ndjson";
          const pages = await exportAuditLog(ctx, c.req.valid("query"), format);
          return isCsv ? toCsv(pages) : toJsonLines(pages);
        },
      });
      c.header("vary", "Origin, Accept");
      c.header(
        "content-disposition",
        `attachment; filename="audit-log.${isCsv ? "csv" : "ndjson"}"`,
      );
      return c.body(body, 200, { "content-type": `${type}; charset=utf-8` });
    },
  );

async function* toCsv(pages: AsyncGenerator<AuditRow[]>): AsyncGenerator<string, void> {
  yield toCsvRow(EXPORT_COLUMNS);
  for await (const rows of pages) yield rows.map((row) => toCsvRow(cellsOf(row))).join("");
}

async function* toJsonLines(pages: AsyncGenerator<AuditRow[]>): AsyncGenerator<string, void> {
  for await (const rows of pages) yield rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
