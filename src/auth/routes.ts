import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { PageQuery, pageOf } from "../fields.ts";
import { authenticate } from "../http/authenticate.ts";
import { operation } from "../http/operation.ts";
import { validate } from "../http/validate.ts";
import { listOwnSessions, Session } from "../sessions/list.ts";
import { getProfile, updateProfile } from "../users/profile.ts";
import { Profile, UpdateProfileInput } from "../users/schemas.ts";
import { changePassword } from "./change-password.ts";
import { login } from "./login.ts";
import { endSession, logout, logoutAll } from "./logout.ts";
import { getMe } from "./me.ts";
import { refresh } from "./refresh.ts";
import { register } from "./register.ts";
import {
  ChangePasswordInput,
  LoginInput,
  Me,
  RefreshInput,
  RegisterInput,
  TokenAnswer,
} from "./schemas.ts";

const op = operation("Auth");
const anonymous = operation("Auth", { anonymous: true });

export const authRoutes = new Hono<AppEnv>()
  .post(
    "/register",
    anonymous("Register a tenant and its owner", {
      201: TokenAnswer,
      errors: [403, 409, 422, 503],
    }),
    validate("json", RegisterInput),
    async (c) => {
      c.header("location", "/v1/auth/me");
      return c.json(await register(c.var.ctx, c.req.valid("json")), 201);
    },
  )
  .post(
    "/login",
    anonymous("Log in with a password", { 200: TokenAnswer, errors: [401, 422, 503] }),
    validate("json", LoginInput),
    async (c) => c.json(await login(c.var.ctx, c.req.valid("json"))),
  )
  .post(
    "/refresh",
    anonymous("Exchange a refresh token for the next one", {
      200: TokenAnswer,
      errors: [401, 422],
    }),
    validate("json", RefreshInput),
    async (c) => c.json(await refresh(c.var.ctx, c.req.valid("json"))),
  )
  .post("/logout", op("End this session", { 204: null }), authenticate(), async (c) => {
    await logout(c.var.ctx);
    return c.body(null, 204);
  })
  .post("/logout-all", op("End all of my sessions", { 204: null }), authenticate(), async (c) => {
    await logoutAll(c.var.ctx);
    return c.body(null, 204);
  })
  .post(
    "/change-password",
    op("Change my password and end my other sessions", { 204: null, errors: [422, 503] }),
    authenticate(),
    validate("json", ChangePasswordInput),
    async (c) => {
      await changePassword(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  )
  .get("/me", op("Who I am and what I may do", { 200: Me }), authenticate(), async (c) =>
    c.json(await getMe(c.var.ctx)),
  )
  .get("/me/profile", op("My profile", { 200: Profile }), authenticate(), async (c) =>
    c.json(await getProfile(c.var.ctx, c.var.ctx.principal.userId)),
  )
  .patch(
    "/me/profile",
    op("Change my profile", { 200: Profile, errors: [422] }),
    authenticate(),
    validate("json", UpdateProfileInput),
    async (c) =>
      c.json(await updateProfile(c.var.ctx, c.var.ctx.principal.userId, c.req.valid("json"))),
  )
  .get(
    "/sessions",
    op("My sessions", { 200: pageOf(Session, "SessionPage"), errors: [422] }),
    authenticate(),
    validate("query", PageQuery),
    async (c) => c.json(await listOwnSessions(c.var.ctx, c.req.valid("query"))),
  )
  .delete(
    "/sessions/:id",
    op("End one of my sessions", { 204: null, errors: [404] }),
    authenticate(),
    async (c) => {
      await endSession(c.var.ctx, c.req.param("id"));
      return c.body(null, 204);
    },
  );
