import { Hono } from "hono";
import type { AppEnv } from "../context.ts";

/** Seconds that a verifier may keep the key set. A new key is published longer than this before it signs. */
const JWKS_MAX_AGE_SECONDS = 300;

export const wellKnownRoutes = new Hono<AppEnv>().get("/jwks.json", (c) =>
  c.body(JSON.stringify(c.var.ctx.signingKeys.jwks()), 200, {
    "content-type": "application/jwk-set+json",
    "cache-control": `public, max-age=${JWKS_MAX_AGE_SECONDS}`,
  }),
);
