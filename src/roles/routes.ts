import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { authenticate, authorize } from "../http/authenticate.ts";
import { operation } from "../http/operation.ts";
import { validate } from "../http/validate.ts";
import { createRole } from "./create.ts";
import { changePermission, declarePermission, removePermission } from "./declare.ts";
import { getPermission, listPermissions } from "./declared.ts";
import {
  ChangePermissionInput,
  DeclarePermissionInput,
  Permission,
  PermissionList,
} from "./permission-schemas.ts";
import { checkPermissions, getRole, listRoles } from "./read.ts";
import {
  CheckAnswer,
  CheckInput,
  CreateRoleInput,
  ListRolesQuery,
  Role,
  RolePage,
  UpdateRoleInput,
} from "./schemas.ts";
import { deleteRole, updateRole } from "./update.ts";

const op = operation("Roles");

/** Below /v1/roles. */
export const roleRoutes = new Hono<AppEnv>()
  .get(
    "/",
    op("List the system roles and our own", { 200: RolePage, errors: [403, 422] }),
    authenticate(),
    authorize("role:read"),
    validate("query", ListRolesQuery),
    async (c) => c.json(await listRoles(c.var.ctx, c.req.valid("query"))),
  )
  .post(
    "/",
    op("Create a role", { 201: Role, errors: [403, 404, 409, 422] }),
    authenticate(),
    authorize("role:create"),
    validate("json", CreateRoleInput),
    async (c) => {
      const role = await createRole(c.var.ctx, c.req.valid("json"));
      c.header("location", `/v1/roles/${role.id}`);
      return c.json(role, 201);
    },
  )
  .get(
    "/:id",
    op("Get a role", { 200: Role, errors: [403, 404] }),
    authenticate(),
    authorize("role:read"),
    async (c) => c.json(await getRole(c.var.ctx, c.req.param("id"))),
  )
  .patch(
    "/:id",
    op("Change a role, for all who hold it", { 200: Role, errors: [403, 404, 409, 422] }),
    authenticate(),
    authorize("role:update"),
    validate("json", UpdateRoleInput),
    async (c) => c.json(await updateRole(c.var.ctx, c.req.param("id"), c.req.valid("json"))),
  )
  .delete(
    "/:id",
    op("Delete a role that nobody holds", { 204: null, errors: [403, 404, 409] }),
    authenticate(),
    authorize("role:delete"),
    async (c) => {
      await deleteRole(c.var.ctx, c.req.param("id"));
      return c.body(null, 204);
    },
  );

/** Below /v1/permissions. */
export const permissionRoutes = new Hono<AppEnv>()
  .get(
    "/",
    op("List the permissions there are", { 200: PermissionList }),
    authenticate(),
    async (c) => c.json(await listPermissions(c.var.ctx)),
  )
  .post(
    "/",
    op("Declare a permission of an application", { 201: Permission, errors: [403, 409, 422] }),
    authenticate(),
    authorize("permission:declare"),
    validate("json", DeclarePermissionInput),
    async (c) => {
      const permission = await declarePermission(c.var.ctx, c.req.valid("json"));
      c.header("location", `/v1/permissions/${permission.key}`);
      return c.json(permission, 201);
    },
  )
  .get(
    "/:key",
    op("Get a permission", { 200: Permission, errors: [404] }),
    authenticate(),
    async (c) => c.json(await getPermission(c.var.ctx.db, c.req.param("key"))),
  )
  .patch(
    "/:key",
    op("Describe a permission of an application, or give it to other system roles", {
      200: Permission,
      errors: [403, 404, 409, 422],
    }),
    authenticate(),
    authorize("permission:declare"),
    validate("json", ChangePermissionInput),
    async (c) => c.json(await changePermission(c.var.ctx, c.req.param("key"), c.req.valid("json"))),
  )
  .delete(
    "/:key",
    op("Remove a permission of an application that nothing uses", {
      204: null,
      errors: [403, 404, 409],
    }),
    authenticate(),
    authorize("permission:declare"),
    async (c) => {
      await removePermission(c.var.ctx, c.req.param("key"));
      return c.body(null, 204);
    },
  );

/** Below /v1/auth/check: for services that hold nothing but the caller's token. */
export const checkRoutes = new Hono<AppEnv>().post(
  "/",
  op("Whether I hold these permissions", { 200: CheckAnswer, errors: [403, 422] }),
  authenticate(),
  validate("json", CheckInput),
  async (c) => c.json(await checkPermissions(c.var.ctx, c.req.valid("json"))),
);
