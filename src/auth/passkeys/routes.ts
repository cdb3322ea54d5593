/** Logging in with a passkey, below /v1/auth/passkey. */
import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { PasskeyRequestOptions } from "../../factors/webauthn-schemas.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit } from "../../http/rate-limit.ts";
import { deliverTokens } from "../../http/refresh-cookie.ts";
import { validate } from "../../http/validate.ts";
import { TokenAnswer } from "../schemas.ts";
import { logInWithPasskey, PasskeyLoginInput, passkeyLoginOptions } from "./login.ts";

const anonymous = operation("Auth", { anonymous: true });

export const passkeyRoutes = new Hono<AppEnv>()
  .post(
    "/options",
    anonymous("What the browser needs to log in with a passkey", {
      200: PasskeyRequestOptions,
      errors: [429],
    }),
    rateLimit("challenge"),
    async (c) => c.json(await passkeyLoginOptions(c.var.ctx)),
  )
  .post(
    "/login",
    anonymous("Log in with a passkey", { 200: TokenAnswer, errors: [401, 422, 429] }),
    validate("json", PasskeyLoginInput),
    rateLimit("login"),
    async (c) => c.json(deliverTokens(c, await logInWithPasskey(c.var.ctx, c.req.valid("json")))),
  );
