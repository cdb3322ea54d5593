/** Registering a tenant with its owner, below /v1/auth. */
import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { authenticateSession } from "../../http/authenticate.ts";
import { idempotent } from "../../http/idempotency.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit } from "../../http/rate-limit.ts";
import { deliverTokens } from "../../http/refresh-cookie.ts";
import { validate } from "../../http/validate.ts";
import { Membership } from "../../users/memberships.ts";
import { ChallengeAnswer } from "../mails/schemas.ts";
import { TokenAnswer } from "../schemas.ts";
import { completeRegistration } from "./complete-registration.ts";
import { makeOwnTenant } from "./own-tenant.ts";
import { register } from "./register.ts";
import { CompleteRegistrationInput, OwnTenantInput, RegisterInput } from "./schemas.ts";

const anonymous = operation("Auth", { anonymous: true });
const personal = operation("Tenants", { session: true });
const byMail = operation("E-mail", { anonymous: true });

export const registrationRoutes = new Hono<AppEnv>()
  .post(
    "/register",
    anonymous("Register a tenant and its owner", {
      201: TokenAnswer,
      202: ChallengeAnswer,
      errors: [403, 409, 422, 429, 503],
      cookie: "given",
      idempotent: "optional",
    }),
    validate("json", RegisterInput),
    idempotent({ tokens: true }),
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
      idempotent: "optional",
    }),
    validate("json", CompleteRegistrationInput),
    idempotent({ tokens: true }),
    rateLimit("proof"),
    async (c) => {
      const answer = await completeRegistration(c.var.ctx, c.req.valid("json"));
      c.header("location", "/v1/auth/me");
      return c.json(deliverTokens(c, answer), 201);
    },
  );

/** Below /v1/tenants. */
export const ownTenantRoutes = new Hono<AppEnv>().post(
  "/own",
  personal("Make another tenant, and be its owner", {
    201: Membership,
    errors: [403, 409, 422, 429],
    idempotent: "optional",
  }),
  authenticateSession(),
  validate("json", OwnTenantInput),
  idempotent(),
  rateLimit("register"),
  async (c) => {
    const membership = await makeOwnTenant(c.var.ctx, c.req.valid("json"));
    c.header("location", `/v1/tenants/${membership.tenant.id}`);
    return c.json(membership, 201);
  },
);
