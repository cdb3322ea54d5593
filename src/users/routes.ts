import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { PageQuery, pageOf } from "../fields.ts";
import { authenticate, authorize } from "../http/authenticate.ts";
import { entity, expected } from "../http/conditional.ts";
import { idempotent } from "../http/idempotency.ts";
import { operation } from "../http/operation.ts";
import { validate } from "../http/validate.ts";
import { UserRoles } from "../roles/schemas.ts";
import { Session } from "../sessions/list.ts";
import { assignRoles, getUserRoles } from "./assign-roles.ts";
import { createUser } from "./create.ts";
import { getProfile, profileVersion, updateProfile } from "./profile.ts";
import { User } from "./public-user.ts";
import { getUser, listUsers } from "./read.ts";
import { removeUserFactors } from "./remove-factors.ts";
import {
  AssignRolesInput,
  CreateUserInput,
  ListUsersQuery,
  Profile,
  UpdateProfileInput,
  UpdateUserInput,
  UserList,
} from "./schemas.ts";
import { endUserSessions, listUserSessions } from "./sessions.ts";
import { deleteUser, restoreUser, updateUser } from "./update.ts";

const op = operation("Users");

export const userRoutes = new Hono<AppEnv>()
  .get(
    "/",
    op("List users", { 200: UserList, errors: [403, 422] }),
    authenticate(),
    authorize("user:read"),
    validate("query", ListUsersQuery),
    async (c) => c.json(await listUsers(c.var.ctx, c.req.valid("query"))),
  )
  .post(
    "/",
    op("Create a user", {
      201: User,
      errors: [403, 404, 409, 422, 429, 503],
      idempotent: "optional",
    }),
    authenticate(),
    authorize("user:create"),
    validate("json", CreateUserInput),
    idempotent(),
    async (c) => {
      const user = await createUser(c.var.ctx, c.req.valid("json"));
      c.header("location", `/v1/users/${user.id}`);
      return c.json(user, 201);
    },
  )
  .get(
    "/:id",
    op("Get a user", { 200: User, 304: null, errors: [403, 404] }),
    authenticate(),
    authorize("user:read"),
    async (c) => {
      const user = await getUser(c.var.ctx, c.req.param("id"));
      return entity(c, user, user.version);
    },
  )
  .patch(
    "/:id",
    op("Change a user", { 200: User, errors: [403, 404, 409, 412, 422] }),
    authenticate(),
    authorize("user:update"),
    validate("json", UpdateUserInput),
    async (c) => {
      const [id, input] = [c.req.param("id"), c.req.valid("json")];
      const user = await updateUser(c.var.ctx, id, input, expected(c));
      return entity(c, user, user.version);
    },
  )
  .delete(
    "/:id",
    op("Delete a user", { 204: null, errors: [403, 404, 409, 412] }),
    authenticate(),
    authorize("user:delete"),
    async (c) => {
      await deleteUser(c.var.ctx, c.req.param("id"), expected(c));
      return c.body(null, 204);
    },
  )
  .post(
    "/:id/restore",
    op("Restore a deleted user", { 200: User, errors: [403, 404, 409] }),
    authenticate(),
    authorize("user:restore"),
    async (c) => c.json(await restoreUser(c.var.ctx, c.req.param("id"))),
  )
  .delete(
    "/:id/factors",
    op("Remove all second factors of a user", { 204: null, errors: [403, 404] }),
    authenticate(),
    authorize("user:update"),
    async (c) => {
      await removeUserFactors(c.var.ctx, c.req.param("id"));
      return c.body(null, 204);
    },
  )
  .get(
    "/:id/profile",
    op("Get a user's profile", { 200: Profile, 304: null, errors: [403, 404] }),
    authenticate(),
    authorize("user:read"),
    async (c) => {
      const profile = await getProfile(c.var.ctx, c.req.param("id"));
      return entity(c, profile, profileVersion(profile));
    },
  )
  .patch(
    "/:id/profile",
    op("Change a user's profile", { 200: Profile, errors: [403, 404, 412, 422] }),
    authenticate(),
    authorize("user:update"),
    validate("json", UpdateProfileInput),
    async (c) => {
      const [id, input] = [c.req.param("id"), c.req.valid("json")];
      const profile = await updateProfile(c.var.ctx, id, input, expected(c));
      return entity(c, profile, profileVersion(profile));
    },
  )
  .get(
    "/:id/roles",
    op("Get a user's roles", { 200: UserRoles, errors: [403, 404] }),
    authenticate(),
    authorize("role:read"),
    async (c) => c.json(await getUserRoles(c.var.ctx, c.req.param("id"))),
  )
  .put(
    "/:id/roles",
    op("Make a user's roles exactly these", { 200: UserRoles, errors: [403, 404, 409, 422] }),
    authenticate(),
    authorize("role:assign"),
    validate("json", AssignRolesInput),
    async (c) => {
      const { roles } = c.req.valid("json");
      return c.json(await assignRoles(c.var.ctx, c.req.param("id"), roles));
    },
  )
  .get(
    "/:id/sessions",
    op("A user's sessions", { 200: pageOf(Session, "SessionPage"), errors: [403, 404, 422] }),
    authenticate(),
    authorize("session:read"),
    validate("query", PageQuery),
    async (c) => c.json(await listUserSessions(c.var.ctx, c.req.param("id"), c.req.valid("query"))),
  )
  .delete(
    "/:id/sessions",
    op("End a user's sessions", { 204: null, errors: [403, 404] }),
    authenticate(),
    authorize("session:revoke"),
    async (c) => {
      await endUserSessions(c.var.ctx, c.req.param("id"));
      return c.body(null, 204);
    },
  )
  .delete(
    "/:id/sessions/:sessionId",
    op("End one of a user's sessions", { 204: null, errors: [403, 404] }),
    authenticate(),
    authorize("session:revoke"),
    async (c) => {
      await endUserSessions(c.var.ctx, c.req.param("id"), c.req.param("sessionId"));
      return c.body(null, 204);
    },
  );
