import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { authenticate, authenticateSession, authorize } from "../../http/authenticate.ts";
import { operation } from "../../http/operation.ts";
import { validate } from "../../http/validate.ts";
import { eraseUser } from "./erase.ts";
import { getPersonalData } from "./personal-data.ts";
import { EraseInput, PersonalData } from "./schemas.ts";

const op = operation("Users");
const mine = operation("Auth", { session: true });

export const userPrivacyRoutes = new Hono<AppEnv>()
  .get(
    "/:id/personal-data",
    op("All that is stored about a person", { 200: PersonalData, errors: [403, 404] }),
    authenticate(),
    authorize("user:export"),
    async (c) => c.json(await getPersonalData(c.var.ctx, c.req.param("id"))),
  )
  .post(
    "/:id/erase",
    op("Erase a person for good", { 204: null, errors: [403, 404, 409, 422] }),
    authenticate(),
    authorize("user:erase"),
    validate("json", EraseInput),
    async (c) => {
      await eraseUser(c.var.ctx, c.req.param("id"), c.req.valid("json"));
      return c.body(null, 204);
    },
  );

export const myDataRoutes = new Hono<AppEnv>().get(
  "/personal-data",
  mine("All that is stored about me", { 200: PersonalData }),
  authenticateSession(),
  async (c) => c.json(await getPersonalData(c.var.ctx, c.var.ctx.principal.userId)),
);
