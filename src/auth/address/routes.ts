/** Proving and changing the own address, below /v1/auth. */
import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { authenticateSession, requireRecentLogin } from "../../http/authenticate.ts";
import { idempotent } from "../../http/idempotency.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit } from "../../http/rate-limit.ts";
import { validate } from "../../http/validate.ts";
import { changeEmailByLink } from "./change-by-link.ts";
import { requestEmailChange } from "./change-email.ts";
import { ChangeByLinkInput, ChangeEmailInput, CodeSent, VerifyEmailInput } from "./schemas.ts";
import { resendVerification, verifyEmail } from "./verify-email.ts";

const op = operation("E-mail", { session: true });
const anonymous = operation("E-mail", { anonymous: true });

export const addressRoutes = new Hono<AppEnv>()
  .post(
    "/email/verify",
    anonymous("Complete a change of address that an administrator has begun, by its link", {
      204: null,
      errors: [400, 409, 422, 429],
      idempotent: "optional",
    }),
    validate("json", ChangeByLinkInput),
    idempotent(),
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
      idempotent: "optional",
    }),
    authenticateSession({ beforeMfa: true }),
    validate("json", VerifyEmailInput),
    idempotent(),
    rateLimit("proof"),
    async (c) => {
      await verifyEmail(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  );
