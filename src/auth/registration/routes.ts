/** Registering a tenant with its owner, below /v1/auth. */
import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit } from "../../http/rate-limit.ts";
import { deliverTokens } from "../../http/refresh-cookie.ts";
import { validate } from "../../http/validate.ts";
import { ChallengeAnswer } from "../mails/schemas.ts";
import { TokenAnswer } from "../schemas.ts";
import { completeRegistration } from "./complete-registration.ts";
import { register } from "./register.ts";
import { CompleteRegistrationInput, RegisterInput } from "./schemas.ts";

const anonymous = operation("Auth", { anonymous: true });
const byMail = operation("E-mail", { anonymous: true });

export const registrationRoutes = new Hono<AppEnv>()
  .post(
    "/register",
    anonymous("Register a tenant and its owner", {
      201: TokenAnswer,
      202: ChallengeAnswer,
      errors: [403, 409, 422, 429, 503],
      cookie: "given",
    }),
    validate("json", RegisterInput),
    rateLimit("register"),
    async (c) => {
      const answer = await register(c.var.ctx, c.req.valid("json"));
      if ("challengeId" in answer) return c.json(answer, 202);
      c.header("location", "/v1/auth/me");
      return c.json(deliverTokens(c, answer), 201);
    },
  )
  .post(
    "/register/complete",
    byMail("Complete a registration with the code or link of its mail", {
      201: TokenAnswer,
      errors: [400, 409, 422, 429, 503],
      cookie: "given",
    }),
    validate("json", CompleteRegistrationInput),
    rateLimit("proof"),
    async (c) => {
      const answer = await completeRegistration(c.var.ctx, c.req.valid("json"));
      c.header("location", "/v1/auth/me");
      return c.json(deliverTokens(c, answer), 201);
    },
  );
