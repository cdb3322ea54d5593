import type { MiddlewareHandler } from "hono";
import type { AppEnv, AuthedEnv, Context, Principal } from "../context.ts";
import { ApiError, PermissionError } from "../errors.ts";
import type { PermissionKey } from "../roles/permissions.ts";

/** 401 unless the request carries an access token of a session that goes on. Then `ctx` holds the principal. */
export function authenticate(): MiddlewareHandler<AppEnv & AuthedEnv> {
  return async function authenticate(c, next) {
    const ctx: Context = c.var.ctx;
    c.set("ctx", { ...ctx, principal: await readPrincipal(ctx, c.req.header("authorization")) });
    await next();
  };
}

/** 403 unless the principal holds the permission. Comes after `authenticate` and before the body is read. */
export function authorize(permission: PermissionKey): MiddlewareHandler<AuthedEnv> {
  return async function authorize(c, next) {
    if (!c.var.ctx.principal.permissions.has(permission)) {
      throw new PermissionError(`This needs the permission ${permission}.`);
    }
    await next();
  };
}

/** The form of a token by RFC 6750, section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

async function readPrincipal(ctx: Context, header: string | undefined): Promise<Principal> {
  // Another scheme is no access token at all (RFC 6750, section 3.1).
  const token = /^Bearer +(.+)$/i.exec(header ?? "")?.[1];
  if (token === undefined) {
    const message = "Send an access token: Authorization: Bearer <token>.";
    throw new ApiError("not_authenticated", message);
  }
  if (!TOKEN.test(token)) throw invalidToken();

  const { userId, tenantId, sessionId } = await ctx.accessTokens.verify(token);
  if (await ctx.revocations.isRevoked(sessionId)) throw invalidToken();
  const { roles, permissions } = await ctx.grants.of(userId);
  return { userId, tenantId, sessionId, roles, permissions };
}

function invalidToken(): ApiError {
  return new ApiError("invalid_token", "The access token is expired, revoked or not one of ours.");
}
