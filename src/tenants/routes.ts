import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { NotFoundError } from "../errors.ts";
import { pageOf } from "../fields.ts";
import {
  authenticate,
  authenticateSession,
  authorize,
  requireRecentLogin,
} from "../http/authenticate.ts";
import { entity, expected } from "../http/conditional.ts";
import { idempotent } from "../http/idempotency.ts";
import { operation } from "../http/operation.ts";
import { validate } from "../http/validate.ts";
import { createTenant } from "./create.ts";
import { purgeTenant } from "./purge.ts";
import { getTenant, listTenants } from "./read.ts";
import {
  CreateTenantInput,
  ListTenantsQuery,
  MoveUserPoolInput,
  PurgeTenantInput,
  Tenant,
  TenantUsage,
  UpdateTenantInput,
  UserPoolMove,
} from "./schemas.ts";
import {
  activateTenant,
  deleteTenant,
  restoreTenant,
  suspendTenant,
  updateTenant,
} from "./update.ts";
import { getTenantUsage } from "./usage.ts";
import { moveUserPool } from "./user-pool.ts";

const op = operation("Tenants");
const personal = operation("Tenants", { session: true });

export const tenantRoutes = new Hono<AppEnv>()
  .get(
    "/",
    op("List all tenants", { 200: pageOf(Tenant, "TenantPage"), errors: [403, 422] }),
    authenticate(),
    authorize("tenant:list"),
    validate("query", ListTenantsQuery),
    async (c) => c.json(await listTenants(c.var.ctx, c.req.valid("query"))),
  )
  .post(
    "/",
    op("Create a tenant", { 201: Tenant, errors: [403, 409, 422], idempotent: "optional" }),
    authenticate(),
    authorize("tenant:create"),
    validate("json", CreateTenantInput),
    idempotent(),
    async (c) => {
      const tenant = await createTenant(c.var.ctx, c.req.valid("json"));
      c.header("location", `/v1/tenants/${tenant.id}`);
      return c.json(tenant, 201);
    },
  )
  .get(
    "/current",
    op("My tenant", { 200: Tenant, 304: null, errors: [403, 404] }),
    authenticate(),
    authorize("tenant:read"),
    async (c) => {
      const { tenantId } = c.var.ctx.principal;
      if (tenantId === null) throw new NotFoundError("tenant");
      const tenant = await getTenant(c.var.ctx, tenantId);
      return entity(c, tenant, tenant.version);
    },
  )
  .get(
    "/current/usage",
    op("What my tenant uses", { 200: TenantUsage, errors: [403, 404] }),
    authenticate(),
    authorize("tenant:update"),
    async (c) => {
      const { tenantId } = c.var.ctx.principal;
      if (tenantId === null) throw new NotFoundError("tenant");
      return c.json(await getTenantUsage(c.var.ctx, tenantId));
    },
  )
  .get(
    "/:id",
    op("Get a tenant", { 200: Tenant, 304: null, errors: [403, 404] }),
    authenticate(),
    authorize("tenant:read"),
    async (c) => {
      const tenant = await getTenant(c.var.ctx, c.req.param("id"));
      return entity(c, tenant, tenant.version);
    },
  )
  .patch(
    "/:id",
    op("Change a tenant", { 200: Tenant, errors: [403, 404, 409, 412, 422] }),
    authenticate(),
    authorize("tenant:update"),
    validate("json", UpdateTenantInput),
    async (c) => {
      const [id, input] = [c.req.param("id"), c.req.valid("json")];
      const tenant = await updateTenant(c.var.ctx, id, input, expected(c));
      return entity(c, tenant, tenant.version);
    },
  )
  .delete(
    "/:id",
    op("Delete a tenant", { 204: null, errors: [403, 404, 412] }),
    authenticate(),
    authorize("tenant:delete"),
    async (c) => {
      await deleteTenant(c.var.ctx, c.req.param("id"), expected(c));
      return c.body(null, 204);
    },
  )
  .post(
    "/:id/suspend",
    op("Suspend a tenant", { 200: Tenant, errors: [403, 404] }),
    authenticate(),
    authorize("tenant:suspend"),
    async (c) => c.json(await suspendTenant(c.var.ctx, c.req.param("id"))),
  )
  .post(
    "/:id/activate",
    op("Activate a tenant", { 200: Tenant, errors: [403, 404] }),
    authenticate(),
    authorize("tenant:suspend"),
    async (c) => c.json(await activateTenant(c.var.ctx, c.req.param("id"))),
  )
  .post(
    "/:id/restore",
    op("Restore a deleted tenant", { 200: Tenant, errors: [403, 404, 409] }),
    authenticate(),
    authorize("tenant:suspend"),
    async (c) => c.json(await restoreTenant(c.var.ctx, c.req.param("id"))),
  )
  .post(
    "/:id/purge",
    op("Delete a deleted tenant for good", { 204: null, errors: [403, 404, 422] }),
    authenticate(),
    authorize("tenant:purge"),
    validate("json", PurgeTenantInput),
    async (c) => {
      await purgeTenant(c.var.ctx, c.req.param("id"), c.req.valid("json"));
      return c.body(null, 204);
    },
  )
  .post(
    "/:id/user-pool",
    personal("Move a tenant to a pool of accounts", {
      200: UserPoolMove,
      errors: [403, 404, 412, 422],
    }),
    authenticateSession(),
    authorize("tenant:create"),
    requireRecentLogin(),
    validate("json", MoveUserPoolInput),
    async (c) => {
      const [id, input] = [c.req.param("id"), c.req.valid("json")];
      return c.json(await moveUserPool(c.var.ctx, id, input, expected(c)));
    },
  )
  .get(
    "/:id/usage",
    op("What a tenant uses", { 200: TenantUsage, errors: [403, 404] }),
    authenticate(),
    authorize("tenant:update"),
    async (c) => c.json(await getTenantUsage(c.var.ctx, c.req.param("id"))),
  );
