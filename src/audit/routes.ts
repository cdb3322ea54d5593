import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { pageOf } from "../fields.ts";
import { authenticate, authorize } from "../http/authenticate.ts";
import { EXPORT_FORM, exportFile } from "../http/export.ts";
import { operation } from "../http/operation.ts";
import { patient } from "../http/patient.ts";
import { validate } from "../http/validate.ts";
import { EXPORT_COLUMNS, exportAuditLog } from "./export.ts";
import { AuditRow, ExportAuditQuery, ListAuditQuery, listAuditLogs } from "./list.ts";

const op = operation("Audit");

const TYPES = ["application/x-ndjson", "text/csv"] as const;

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
    validate("query", ExportAuditQuery.extend(EXPORT_FORM)),
    (c) => {
      const { bom, ...query } = c.req.valid("query");
      return exportFile(c, {
        bom,
        name: "audit-log",
        types: TYPES,
        permission: "audit:export",
        columns: EXPORT_COLUMNS,
        pages: (format) => exportAuditLog(c.var.ctx, query, format),
      });
    },
  );
