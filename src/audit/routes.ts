import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { pageOf } from "../fields.ts";
import { authenticate, authorize } from "../http/authenticate.ts";
import { operation } from "../http/operation.ts";
import { validate } from "../http/validate.ts";
import { AuditRow, ListAuditQuery, listAuditLogs } from "./list.ts";

const op = operation("Audit");

export const auditRoutes = new Hono<AppEnv>().get(
  "/",
  op("Read the audit log", { 200: pageOf(AuditRow, "AuditPage"), errors: [403, 422] }),
  authenticate(),
  authorize("audit:read"),
  validate("query", ListAuditQuery),
  async (c) => c.json(await listAuditLogs(c.var.ctx, c.req.valid("query"))),
);
