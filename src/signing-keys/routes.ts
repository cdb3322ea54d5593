import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { JWKS_MAX_AGE_SECONDS } from "./signing-keys.ts";

export const wellKnownRoutes = new Hono<AppEnv>()
  .get("/jwks.json", (c) =>
    c.body(JSON.stringify(c.var.ctx.signingKeys.jwks()), 200, {
      "content-type": "application/jwk-set+json",
      "cache-control": `public, max-age=${JWKS_MAX_AGE_SECONDS}`,
    }),
  )
  // WebAuthn Level 3, section 5.11.1: origins beyond the passkeys' own domain. Browsers ask for it at that domain.
  .get("/webauthn", (c) =>
    c.json({ origins: c.var.ctx.config.passkeyOrigins }, 200, {
      "cache-control": `public, max-age=${JWKS_MAX_AGE_SECONDS}`,
    }),
  );
