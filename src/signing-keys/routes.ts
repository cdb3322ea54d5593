import { Hono, type Context as HonoContext } from "hono";
import { isAndroidApp } from "../config/origins.ts";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { readableByAll } from "../http/cross-origin.ts";
import { issuerMetadata } from "./metadata.ts";
import { JWKS_MAX_AGE_SECONDS } from "./signing-keys.ts";

const CACHED = { "cache-control": `public, max-age=${JWKS_MAX_AGE_SECONDS}` };

export const wellKnownRoutes = new Hono<AppEnv>()
  .use(readableByAll())
  .get("/jwks.json", (c) =>
    c.body(JSON.stringify(c.var.ctx.signingKeys.jwks()), 200, {
      ...CACHED,
      "content-type": "application/jwk-set+json",
    }),
  )
  .get("/oauth-authorization-server", metadata)
  .get("/openid-configuration", metadata)
  // RFC 8414, sections 3.1 and 5: of an issuer with a path, that comes last.
  .get("/oauth-authorization-server/:path{.+}", metadataOfPath)
  .get("/openid-configuration/:path{.+}", metadataOfPath)
  // WebAuthn Level 3, section 5.11.1: origins beyond the passkeys' own domain. Browsers ask for it at that domain.
  .get("/webauthn", (c) => {
    // Of pages alone: an app is told of in its own file, assetlinks.json.
    const origins = c.var.ctx.config.passkeyOrigins.filter((origin) => !isAndroidApp(origin));
    return c.json({ origins }, 200, CACHED);
  });

function metadata(c: HonoContext<AppEnv>): Response {
  return c.json(issuerMetadata(c.var.ctx), 200, CACHED);
}

function metadataOfPath(c: HonoContext<AppEnv>): Response {
  const { pathname } = new URL(c.var.ctx.config.issuer);
  if (pathname.replace(/\/$/, "") !== `/${c.req.param("path")}`) throw new ApiError("not_found");
  return metadata(c);
}
