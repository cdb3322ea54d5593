/** Proving again who one is, below /v1/auth/reauthenticate. */
import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { PasskeyRequestOptions } from "../../factors/webauthn-schemas.ts";
import { authenticateSession } from "../../http/authenticate.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit, rateLimitByUser } from "../../http/rate-limit.ts";
import { deliverTokens } from "../../http/refresh-cookie.ts";
import { validate } from "../../http/validate.ts";
import { LoginAnswer } from "../schemas.ts";
import { reauthenticate, reauthenticationOptions } from "./reauthenticate.ts";
import { ReauthenticateInput } from "./schemas.ts";

const op = operation("Auth");

export const reauthenticateRoutes = new Hono<AppEnv>()
  .post(
    "/",
    op("Log in again from within my session", { 200: LoginAnswer, errors: [403, 422, 429, 503] }),
    authenticateSession({ beforeMfa: true }),
    validate("json", ReauthenticateInput),
    rateLimitByUser("password"),
    async (c) => c.json(deliverTokens(c, await reauthenticate(c.var.ctx, c.req.valid("json")))),
  )
  .post(
    "/passkey-options",
    op("What the browser needs to log in again with a passkey", {
      200: PasskeyRequestOptions,
      errors: [403, 429],
    }),
    authenticateSession({ beforeMfa: true }),
    rateLimit("challenge"),
    async (c) => c.json(await reauthenticationOptions(c.var.ctx)),
  );
