import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { authenticate, authorize } from "../../http/authenticate.ts";
import { idempotent } from "../../http/idempotency.ts";
import { operation } from "../../http/operation.ts";
import { patient } from "../../http/patient.ts";
import { rateLimitByTenant } from "../../http/rate-limit.ts";
import { RECORD_TYPES } from "../../http/record-type.ts";
import { readRecords, recordsLimit } from "../../http/records.ts";
import { validate } from "../../http/validate.ts";
import { chargeNewUsers } from "../create.ts";
import { IMPORT_COLUMNS } from "./columns.ts";
import { importUsers } from "./import.ts";
import { ImportQuery, ImportReport } from "./schemas.ts";

const op = operation("Users");

export const userImportRoutes = new Hono<AppEnv>().post(
  "/import",
  op("Import users of another system", {
    200: ImportReport,
    errors: [403, 404],
    body: RECORD_TYPES,
    idempotent: "required",
  }),
  patient(),
  authenticate(),
  authorize("user:import"),
  validate("query", ImportQuery),
  // Before the body is read. How many users it holds is known when they are made, and keeps the next one waiting.
  rateLimitByTenant("new_users"),
  idempotent({ required: true, streamLimit: recordsLimit }),
  async (c) => {
    const { ctx } = c.var;
    const query = c.req.valid("query");
    const report = await importUsers(ctx, readRecords(c, IMPORT_COLUMNS), query);
    if (!query.dryRun) await chargeNewUsers(ctx, report.created);
    return c.json(report);
  },
);
