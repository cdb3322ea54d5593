import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import {
  authenticate,
  authenticateSession,
  authorize,
  requireRecentLogin,
} from "../../http/authenticate.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit } from "../../http/rate-limit.ts";
import { deliverTokens } from "../../http/refresh-cookie.ts";
import { validate } from "../../http/validate.ts";
import { LoginAnswer, TokenAnswer } from "../schemas.ts";
import { changeEmailByLink } from "./change-by-link.ts";
import { requestEmailChange } from "./change-email.ts";
import { completeRegistration } from "./complete-registration.ts";
import { forgotPassword, resetPassword } from "./forgot-password.ts";
import { logInByMagicLink, requestMagicLink } from "./magic-link.ts";
import {
  AddressInput,
  ChallengeAnswer,
  ChangeByLinkInput,
  ChangeEmailInput,
  CodeSent,
  CompleteRegistrationInput,
  MagicLinkInput,
  ResetPasswordInput,
  UnlockInput,
  VerifyEmailInput,
} from "./schemas.ts";
import { startPasswordReset } from "./start-reset.ts";
import { unlock } from "./unlock.ts";
import { resendVerification, verifyEmail } from "./verify-email.ts";

const op = operation("E-mail", { session: true });
const anonymous = operation("E-mail", { anonymous: true });

export const emailRoutes = new Hono<AppEnv>()
  .post(
    "/register/complete",
    anonymous("Complete a registration with the code or link of its mail", {
      201: TokenAnswer,
      errors: [400, 409, 422, 429, 503],
    }),
    validate("json", CompleteRegistrationInput),
    rateLimit("proof"),
    async (c) => {
      c.header("location", "/v1/auth/me");
      const answer = await completeRegistration(c.var.ctx, c.req.valid("json"));
      return c.json(deliverTokens(c, answer), 201);
    },
  )
  .post(
    "/forgot-password",
    anonymous("Ask for a link that sets a new password", { 202: null, errors: [422, 429] }),
    validate("json", AddressInput),
    rateLimit("mail"),
    async (c) => {
      await forgotPassword(c.var.ctx, c.req.valid("json"));
      return c.body(null, 202);
    },
  )
  .post(
    "/reset-password",
    anonymous("Set a new password with the token of a link", {
      204: null,
      errors: [400, 422, 429],
    }),
    validate("json", ResetPasswordInput),
    rateLimit("proof"),
    async (c) => {
      await resetPassword(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  )
  .post(
    "/magic-link",
    anonymous("Ask for a mail to log in with", { 202: ChallengeAnswer, errors: [422, 429] }),
    validate("json", AddressInput),
    rateLimit("mail"),
    async (c) => c.json(await requestMagicLink(c.var.ctx, c.req.valid("json")), 202),
  )
  .post(
    "/magic-link/verify",
    anonymous("Log in with the link or code of a mail", {
      200: LoginAnswer,
      errors: [400, 422, 429],
    }),
    validate("json", MagicLinkInput),
    rateLimit("proof"),
    async (c) => c.json(deliverTokens(c, await logInByMagicLink(c.var.ctx, c.req.valid("json")))),
  )
  .post(
    "/unlock",
    anonymous("Lift the lock of wrong passwords", { 204: null, errors: [400, 422, 429] }),
    validate("json", UnlockInput),
    rateLimit("proof"),
    async (c) => {
      await unlock(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  )
  .post(
    "/email/verify",
    anonymous("Complete a change of address that an administrator has begun, by its link", {
      204: null,
      errors: [400, 409, 422, 429],
    }),
    validate("json", ChangeByLinkInput),
    rateLimit("proof"),
    async (c) => {
      await changeEmailByLink(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  )
  .post(
    "/me/email",
    op("Begin to change my address", { 202: CodeSent, errors: [403, 422, 429] }),
    authenticateSession(),
    requireRecentLogin(),
    validate("json", ChangeEmailInput),
    rateLimit("mail"),
    async (c) => c.json(await requestEmailChange(c.var.ctx, c.req.valid("json")), 202),
  )
  .post(
    "/me/email/verification",
    op("Send the mail that proves my address again", { 202: CodeSent, errors: [403, 429] }),
    authenticateSession({ beforeMfa: true }),
    rateLimit("mail"),
    async (c) => c.json(await resendVerification(c.var.ctx), 202),
  )
  .post(
    "/me/email/verify",
    op("Prove my address, or complete its change; a password that the tenant has set goes", {
      204: null,
      errors: [400, 403, 409, 422, 429],
    }),
    authenticateSession({ beforeMfa: true }),
    validate("json", VerifyEmailInput),
    rateLimit("proof"),
    async (c) => {
      await verifyEmail(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  );

/** Below /v1/users. */
export const userEmailRoutes = new Hono<AppEnv>().post(
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
