import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { authenticate } from "../../http/authenticate.ts";
import { idempotent } from "../../http/idempotency.ts";
import { operation } from "../../http/operation.ts";
import { patient } from "../../http/patient.ts";
import { itemOf } from "../../http/problem.ts";
import { validate } from "../../http/validate.ts";
import { changeUsers } from "./bulk.ts";
import { BulkInput, BulkResult } from "./schemas.ts";

const op = operation("Users");

export const userBulkRoutes = new Hono<AppEnv>().post(
  "/bulk",
  op("Create, change, delete or restore many users", {
    200: BulkResult,
    errors: [403, 429],
    idempotent: "optional",
  }),
  patient(),
  authenticate(),
  validate("json", BulkInput),
  idempotent({ piecemeal: true }),
  async (c) => {
    const input = c.req.valid("json");
    const outcomes = await changeUsers(c.var.ctx, input);
    const results = outcomes.map((outcome) => itemOf(outcome, STATUS[input.operation]));
    const failed = outcomes.filter(({ error }) => error).length;
    return c.json({ results, succeeded: results.length - failed, failed });
  },
);

const STATUS = { create: 201, update: 200, delete: 204, restore: 200 };
