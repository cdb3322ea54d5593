/** Changing and resetting a password: below /v1/auth, and what an administrator begins below /v1/users. */
import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { authenticate, authenticateSession, authorize } from "../../http/authenticate.ts";
import { idempotent } from "../../http/idempotency.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit, rateLimitByUser } from "../../http/rate-limit.ts";
import { validate } from "../../http/validate.ts";
import { AddressInput } from "../mails/schemas.ts";
import { changePassword } from "./change-password.ts";
import { forgotPassword, resetPassword } from "./forgot-password.ts";
import { ChangePasswordInput, ResetPasswordInput } from "./schemas.ts";
import { startPasswordReset } from "./start-reset.ts";

const own = operation("Auth", { session: true });
const byMail = operation("E-mail", { anonymous: true });

export const passwordRoutes = new Hono<AppEnv>()
  .post(
    "/change-password",
    own("Change my password and end my other sessions", {
      204: null,
      errors: [422, 429, 503],
      idempotent: "optional",
    }),
    authenticateSession(),
    validate("json", ChangePasswordInput),
    idempotent(),
    rateLimitByUser("password"),
    async (c) => {
      await changePassword(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  )
  .post(
    "/forgot-password",
    byMail("Ask for a link that sets a new password", { 202: null, errors: [422, 429] }),
    validate("json", AddressInput),
    rateLimit("mail"),
    async (c) => {
      await forgotPassword(c.var.ctx, c.req.valid("json"));
      return c.body(null, 202);
    },
  )
  .post(
    "/reset-password",
    byMail("Set a new password with the token of a link", {
      204: null,
      errors: [400, 422, 429],
      idempotent: "optional",
    }),
    validate("json", ResetPasswordInput),
    idempotent(),
    rateLimit("proof"),
    async (c) => {
      await resetPassword(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  );

/** Below /v1/users. */
export const userPasswordRoutes = new Hono<AppEnv>().post(
  "/:id/reset-password",
  operation("Users")("Send a user a link that sets a new password", {
    202: null,
    errors: [403, 404],
  }),
  authenticate(),
  authorize("user:update"),
  async (c) => {
    await startPasswordReset(c.var.ctx, c.req.param("id"));
    return c.body(null, 202);
  },
);
