import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { PageQuery, pageOf } from "../fields.ts";
import { authenticate, authorize } from "../http/authenticate.ts";
import { operation } from "../http/operation.ts";
import { validate } from "../http/validate.ts";
import { Session } from "../sessions/list.ts";
import { createUser } from "./create.ts";
import { getProfile, updateProfile } from "./profile.ts";
import { User } from "./public-user.ts";
import { getUser, listUsers } from "./read.ts";
import { removeUserFactors } from "./remove-factors.ts";
import {
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
    op("Create a user", { 201: User, errors: [403, 404, 409, 422, 503] }),
    authenticate(),
    authorize("user:create"),
    validate("json", CreateUserInput),
    async (c) => {
      const user = await createUser(c.var.ctx, c.req.valid("json"));
      c.header("location", `/v1/users/${user.id}`);
      return c.json(user, 201);
    },
  )
  .get(
    "/:id",
    op("Get a user", { 200: User, errors: [403, 404] }),
    authenticate(),
    authorize("user:read"),
    async (c) => c.json(await getUser(c.var.ctx, c.req.param("id"))),
  )
  .patch(
    "/:id",
    op("Change a user", { 200: User, errors: [403, 404, 409, 422] }),
    authenticate(),
    authorize("user:update"),
    validate("json", UpdateUserInput),
    async (c) => c.json(await updateUser(c.var.ctx, c.req.param("id"), c.req.valid("json"))),
  )
  .delete(
    "/:id",
    op("Delete a user", { 204: null, errors: [403, 404, 409] }),
    authenticate(),
    authorize("user:delete"),
    async (c) => {
      await deleteUser(c.var.ctx, c.req.param("id"));
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
    op("Get a user's profile", { 200: Profile, errors: [403, 404] }),
    authenticate(),
    authorize("user:read"),
    async (c) => c.json(await getProfile(c.var.ctx, c.req.param("id"))),
  )
  .patch(
    "/:id/profile",
    op("Change a user's profile", { 200: Profile, errors: [403, 404, 422] }),
    authenticate(),
    authorize("user:update"),
    validate("json", UpdateProfileInput),
    async (c) => c.json(await updateProfile(c.var.ctx, c.req.param("id"), c.req.valid("json"))),
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
