import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { authenticate, authorize } from "../../http/authenticate.ts";
import { idempotent } from "../../http/idempotency.ts";
import { operation } from "../../http/operation.ts";
import { patient } from "../../http/patient.ts";
import { RECORD_TYPES, readRecords, recordsLimit } from "../../http/records.ts";
import { validate } from "../../http/validate.ts";
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
  idempotent({ required: true, streamLimit: recordsLimit }),
  async (c) => c.json(await importUsers(c.var.ctx, readRecords(c), c.req.valid("query"))),
);
