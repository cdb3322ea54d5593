import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { authenticate, authorize } from "../../http/authenticate.ts";
import { EXPORT_FORM, exportFile } from "../../http/export.ts";
import { operation } from "../../http/operation.ts";
import { patient } from "../../http/patient.ts";
import { validate } from "../../http/validate.ts";
import { User } from "../public-user.ts";
import { ExportQuery, exportUsers } from "./export.ts";

const TYPES = ["text/csv", "application/x-ndjson"] as const;
const COLUMNS = Object.keys(User.shape) as (keyof User)[];

const op = operation("Users");

export const userExportRoutes = new Hono<AppEnv>().get(
  "/export",
  op("Export all users, by Accept as CSV or as JSON a line", { 200: TYPES, errors: [403, 422] }),
  patient(),
  authenticate(),
  authorize("user:export"),
  validate("query", ExportQuery.extend(EXPORT_FORM)),
  (c) => {
    const { bom, ...query } = c.req.valid("query");
    return exportFile(c, {
      name: "users",
      types: TYPES,
      permission: "user:export",
      bom,
      columns: COLUMNS,
      pages: () => exportUsers(c.var.ctx, query),
    });
  },
);
