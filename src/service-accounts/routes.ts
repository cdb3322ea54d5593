import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { authenticate, authorize } from "../http/authenticate.ts";
import { idempotent } from "../http/idempotency.ts";
import { operation } from "../http/operation.ts";
import { rateLimitByTenant } from "../http/rate-limit.ts";
import { validate } from "../http/validate.ts";
import { createServiceAccount } from "./create.ts";
import { getServiceAccount, listServiceAccounts } from "./read.ts";
import {
  CreateServiceAccountInput,
  ListServiceAccountsQuery,
  ServiceAccount,
  ServiceAccountPage,
  UpdateServiceAccountInput,
} from "./schemas.ts";
import { deleteServiceAccount, updateServiceAccount } from "./update.ts";

const op = operation("Service accounts");

export const serviceAccountRoutes = new Hono<AppEnv>()
  .get(
    "/",
    op("List service accounts", { 200: ServiceAccountPage, errors: [403, 422] }),
    authenticate(),
    authorize("service_account:read"),
    validate("query", ListServiceAccountsQuery),
    async (c) => c.json(await listServiceAccounts(c.var.ctx, c.req.valid("query"))),
  )
  .post(
    "/",
    op("Create a service account", {
      201: ServiceAccount,
      errors: [403, 404, 422],
      idempotent: "optional",
    }),
    authenticate(),
    authorize("service_account:create"),
    validate("json", CreateServiceAccountInput),
    rateLimitByTenant("new_machines"),
    idempotent(),
    async (c) => {
      const account = await createServiceAccount(c.var.ctx, c.req.valid("json"));
      c.header("location", `/v1/service-accounts/${account.id}`);
      return c.json(account, 201);
    },
  )
  .get(
    "/:id",
    op("Get a service account", { 200: ServiceAccount, errors: [403, 404] }),
    authenticate(),
    authorize("service_account:read"),
    async (c) => c.json(await getServiceAccount(c.var.ctx, c.req.param("id"))),
  )
  .patch(
    "/:id",
    op("Change a service account", { 200: ServiceAccount, errors: [403, 404, 422] }),
    authenticate(),
    authorize("service_account:update"),
    validate("json", UpdateServiceAccountInput),
    async (c) =>
      c.json(await updateServiceAccount(c.var.ctx, c.req.param("id"), c.req.valid("json"))),
  )
  .delete(
    "/:id",
    op("Delete a service account and revoke its keys", { 204: null, errors: [403, 404] }),
    authenticate(),
    authorize("service_account:delete"),
    async (c) => {
      await deleteServiceAccount(c.var.ctx, c.req.param("id"));
      return c.body(null, 204);
    },
  );
