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
    c.header("cache-control", "no-store");
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

async function readPrincipal(ctx: Context, header: string | undefined): Promise<Principal> {
  if (header === undefined) throw new ApiError("not_authenticated", "Send an access token: Authorization: Bearer …");
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header)?.[1];
  if (token === undefined) throw new ApiError("invalid_token", "The Authorization header is not of the form: Bearer <token>.");

  const { userId, tenantId, sessionId } = await ctx.accessTokens.verify(token);
  if (await ctx.revocations.isRevoked(sessionId)) {
    throw new ApiError("invalid_token", "The access token is expired, revoked or not one of ours.");
  }
  const { roles, permissions } = await ctx.grants.of(userId);
  return { userId, tenantId, sessionId, roles, permissions };
}
