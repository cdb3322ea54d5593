import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { authenticate, authenticateSession, requireRecentLogin } from "../http/authenticate.ts";
import { idempotent } from "../http/idempotency.ts";
import { operation } from "../http/operation.ts";
import { rateLimitByTenant } from "../http/rate-limit.ts";
import { validate } from "../http/validate.ts";
import { createApiKey } from "./create.ts";
import { getApiKey, listApiKeys } from "./read.ts";
import { revokeApiKey } from "./revoke.ts";
import {
  ApiKey,
  ApiKeyPage,
  CreateApiKeyInput,
  CreatedApiKey,
  ListApiKeysQuery,
} from "./schemas.ts";

const op = operation("API keys");

export const apiKeyRoutes = new Hono<AppEnv>()
  .get(
    "/",
    op("List my API keys, or a user's", { 200: ApiKeyPage, errors: [403, 404, 422] }),
    authenticate(),
    validate("query", ListApiKeysQuery),
    async (c) => c.json(await listApiKeys(c.var.ctx, c.req.valid("query"))),
  )
  .post(
    "/",
    op("Create an API key", {
      201: CreatedApiKey,
      errors: [403, 404, 422],
      idempotent: "optional",
    }),
    authenticateSession(),
    requireRecentLogin(),
    validate("json", CreateApiKeyInput),
    rateLimitByTenant("new_machines"),
    idempotent(),
    async (c) => {
      const created = await createApiKey(c.var.ctx, c.req.valid("json"));
      c.header("location", `/v1/api-keys/${created.id}`);
      return c.json(created, 201);
    },
  )
  .get(
    "/:id",
    op("Get an API key, without the key itself", { 200: ApiKey, errors: [403, 404] }),
    authenticate(),
    async (c) => c.json(await getApiKey(c.var.ctx, c.req.param("id"))),
  )
  .delete(
    "/:id",
    op("Revoke an API key", { 204: null, errors: [403, 404] }),
    authenticate(),
    async (c) => {
      await revokeApiKey(c.var.ctx, c.req.param("id"));
      return c.body(null, 204);
    },
  );
