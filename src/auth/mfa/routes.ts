/** The second step of a log-in, below /v1/auth/mfa. */
import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { PasskeyRequestOptions } from "../../factors/webauthn-schemas.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit } from "../../http/rate-limit.ts";
import { deliverTokens } from "../../http/refresh-cookie.ts";
import { validate } from "../../http/validate.ts";
import { TokenAnswer } from "../schemas.ts";
import { MfaTokenInput, VerifyMfaInput } from "./schemas.ts";
import { mfaPasskeyOptions, verifyMfa } from "./verify.ts";

const anonymous = operation("Auth", { anonymous: true });

export const mfaRoutes = new Hono<AppEnv>()
  .post(
    "/verify",
    anonymous("Complete a log-in with the second factor", {
      200: TokenAnswer,
      errors: [401, 422, 429],
    }),
    validate("json", VerifyMfaInput),
    rateLimit("proof"),
    async (c) => c.json(deliverTokens(c, await verifyMfa(c.var.ctx, c.req.valid("json")))),
  )
  .post(
    "/passkey-options",
    anonymous("What the browser needs to show a passkey as the second factor", {
      200: PasskeyRequestOptions,
      errors: [401, 422, 429],
    }),
    validate("json", MfaTokenInput),
    rateLimit("challenge"),
    async (c) => c.json(await mfaPasskeyOptions(c.var.ctx, c.req.valid("json"))),
  );
