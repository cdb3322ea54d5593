/** What only platform accounts do, and how the first of them is made. */
import { Hono } from "hono";
import { LoginAnswer, TokenAnswer } from "../auth/schemas.ts";
import type { AppEnv } from "../context.ts";
import { authenticateSession, authorize, requireRecentLogin } from "../http/authenticate.ts";
import { operation } from "../http/operation.ts";
import { rateLimit } from "../http/rate-limit.ts";
import { deliverTokens } from "../http/refresh-cookie.ts";
import { validate } from "../http/validate.ts";
import { bootstrap } from "./bootstrap.ts";
import { impersonate } from "./impersonate.ts";
import { BootstrapInput, ImpersonateInput } from "./schemas.ts";

/** Below /v1/platform. */
export const platformRoutes = new Hono<AppEnv>().post(
  "/bootstrap",
  operation("Platform", { anonymous: true })("Make the first super admin", {
    201: LoginAnswer,
    errors: [400, 409, 422, 429, 503],
    cookie: "given",
  }),
  validate("json", BootstrapInput),
  rateLimit("proof"),
  async (c) => {
    const answer = await bootstrap(c.var.ctx, c.req.valid("json"));
    c.header("location", "/v1/auth/me");
    return c.json(deliverTokens(c, answer), 201);
  },
);

/** Below /v1/users. */
export const impersonationRoutes = new Hono<AppEnv>().post(
  "/:id/impersonate",
  operation("Platform")("Act as a user for a quarter of an hour at most", {
    200: TokenAnswer,
    errors: [403, 404, 422],
  }),
  authenticateSession(),
  authorize("user:impersonate"),
  requireRecentLogin(),
  validate("json", ImpersonateInput),
  async (c) => c.json(await impersonate(c.var.ctx, c.req.param("id"), c.req.valid("json"))),
);
