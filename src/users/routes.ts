import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { authenticate, authorize } from "../http/authenticate.ts";
import { operation } from "../http/operation.ts";
import { validate } from "../http/validate.ts";
import { createUser } from "./create.ts";
import { getProfile, updateProfile } from "./profile.ts";
import { User } from "./public-user.ts";
import { getUser, listUsers } from "./read.ts";
import {
  CreateUserInput,
  ListUsersQuery,
  Profile,
  UpdateProfileInput,
  UpdateUserInput,
  UserList,
} from "./schemas.ts";
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
  );
