/** Ending one's own account, and taking that back: below /v1/auth. */
import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { authenticateSession, requireRecentLogin } from "../../http/authenticate.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit } from "../../http/rate-limit.ts";
import { forgetTokens } from "../../http/refresh-cookie.ts";
import { validate } from "../../http/validate.ts";
import { deleteAccount } from "./delete.ts";
import { restoreAccount } from "./restore.ts";
import { RestoreAccountInput } from "./schemas.ts";

const own = operation("Auth", { session: true });
const byMail = operation("E-mail", { anonymous: true });

export const ownAccountRoutes = new Hono<AppEnv>()
  .delete(
    "/me",
    own("Delete my account, in all of my tenants", {
      204: null,
      errors: [403, 409],
      cookie: "taken back",
    }),
    authenticateSession(),
    requireRecentLogin(),
    async (c) => {
      await deleteAccount(c.var.ctx);
      forgetTokens(c);
      return c.body(null, 204);
    },
  )
  .post(
    "/restore-account",
    byMail("Take the deletion of my account back, by the link of its mail", {
      204: null,
      errors: [400, 409, 422, 429],
    }),
    validate("json", RestoreAccountInput),
    rateLimit("proof"),
    async (c) => {
      await restoreAccount(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  );
