import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type {
  AppEnv,
  AuthedEnv,
  Context,
  PersonInSession,
  SessionContext,
  SessionEnv,
} from "../context.ts";
import { API_KEY_PREFIX } from "../crypto/api-key.ts";
import { inTenant } from "../db/scope.ts";
import { ApiError, PermissionError } from "../errors.ts";
import type { Principal } from "../principal.ts";
import type { Grants } from "../roles/grants.ts";
import { assertInPerson, assertPerson } from "../roles/in-person.ts";
import type { PermissionKey } from "../roles/permissions.ts";
import { type AccessClaims, LONGEST_TOKEN } from "../sessions/access-token.ts";
import { assertRecentProof } from "../sessions/recent-proof.ts";
import { wasReplacedLately } from "../sessions/still-allowed.ts";
import { tells } from "./documented-headers.ts";
import { after } from "./join-handlers.ts";

/** 401 unless the request carries an access token of a session that goes on, or an API key. Then `ctx` holds the principal. */
export function authenticate(): MiddlewareHandler<AppEnv & AuthedEnv> {
  const says = "Takes an access token or an API key.";
  return tells({ says }, function authenticate(c, next) {
    const ctx: Context = c.get("ctx");
    return after(readPrincipal(ctx, c.req.header("authorization")), (principal) => {
      assertFactors(ctx, principal);
      c.set("ctx", { ...ctx, principal });
      return inTenant(principal.tenantId, next, principal.accountId);
    });
  });
}

type SessionOptions = {
  /** Lets in who has yet to set up the second factor that is required: on the way there. */
  beforeMfa?: boolean;
  /** Lets in who acts as the user: only where nothing of the user's own credentials is at stake. */
  impersonated?: boolean;
  /** Lets in whose session another took the place of this moment: for the route that does so, whose answer may be lost. */
  replaced?: boolean;
};

/**
 * As `authenticate`, and 403 for a machine and, unless the route says otherwise, for whoever acts as somebody else: what
 * concerns a person's own credentials and sessions.
 */
export function authenticateSession({
  beforeMfa = false,
  impersonated = false,
  replaced = false,
}: SessionOptions = {}): MiddlewareHandler<AppEnv & SessionEnv> {
  const says = `Takes an access token and no API key${impersonated ? "" : ", and not in somebody else's name"}.`;
  return tells({ says }, function authenticateSession(c, next) {
    const ctx: Context = c.get("ctx");
    const header = c.req.header("authorization");
    return after(readPrincipal(ctx, header, { replaced }), (found) => {
      const principal = personIn(found);
      if (!impersonated) assertInPerson(principal, "credentials");
      if (!beforeMfa) assertFactors(ctx, principal);
      c.set("ctx", { ...ctx, principal });
      return inTenant(principal.tenantId, next, principal.accountId);
    });
  });
}

/**
 * Does it in the session of the access token, whoever acts in it and whatever factors it lacks. For the one route where
 * the token may be missing or over.
 * @throws ApiError as `authenticateSession`, unless it is said that the token may be left out.
 */
export async function inSession(
  c: HonoContext<AppEnv>,
  { mayBeGone }: { mayBeGone: boolean },
  act: (ctx: SessionContext) => Promise<void>,
): Promise<void> {
  const ctx = c.get("ctx");
  let principal: PersonInSession;
  try {
    principal = personIn(await readPrincipal(ctx, c.req.header("authorization")));
  } catch (err) {
    if (mayBeGone && err instanceof ApiError) return;
    throw err;
  }
  if (ctx.seen) Object.assign(ctx.seen, { userId: principal.userId, tenantId: principal.tenantId });
  await inTenant(principal.tenantId, () => act({ ...ctx, principal }), principal.accountId);
}

/**
 * Refuses before the body is read what the function behind the route would refuse by its effect: a log-in that is too
 * old (sessions/recent-proof.ts). Comes after `authenticateSession`.
 */
export function requireRecentLogin(): MiddlewareHandler<SessionEnv> {
  const says = "Takes a recent log-in; else 401 `reauthentication_required`.";
  return tells({ says }, async function requireRecentLogin(c, next) {
    assertRecentProof(c.get("ctx"));
    await next();
  });
}

/** 403 unless the principal holds the permission. Comes after `authenticate` and before the body is read. */
export function authorize(permission: PermissionKey): MiddlewareHandler<AuthedEnv> {
  return tells({ says: `Needs the permission \`${permission}\`.` }, function authorize(c, next) {
    const { principal } = c.get("ctx");
    if (!principal.permissions.has(permission)) {
      throw new PermissionError(`This needs the permission ${permission}.`);
    }
    assertInPerson(principal, permission);
    return next();
  });
}

/** Another scheme is no access token at all (RFC 6750, section 3.1). */
const SCHEME = /^Bearer +/i;
/** The form of a token by RFC 6750, section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

function readPrincipal(
  ctx: Context,
  header: string | undefined,
  { replaced = false }: Pick<SessionOptions, "replaced"> = {},
): Principal | Promise<Principal> {
  const [scheme] = SCHEME.exec(header ?? "") ?? [];
  const token = scheme && header?.slice(scheme.length);
  if (!token) throw new ApiError("not_authenticated");
  return rememberedPrincipal(ctx, token) ?? findPrincipal(ctx, token, replaced);
}

/** From memory alone, and so without waiting; undefined for whomever it does not know, or does not know to go on. */
function rememberedPrincipal(
  { accessTokens, revocations, grants }: Context,
  token: string,
): Principal | undefined {
  const claims = accessTokens.known(token);
  if (!claims || revocations.known(claims.sessionId, claims.userId) !== false) return undefined;
  const held = grants.known(claims.userId);
  return held && speakerOf(claims, held, false);
}

async function findPrincipal(ctx: Context, token: string, replaced: boolean): Promise<Principal> {
  if (token.length > LONGEST_TOKEN || !TOKEN.test(token)) throw new ApiError("invalid_token");
  if (token.startsWith(API_KEY_PREFIX)) {
    const machine = await ctx.apiKeys.principalOf(token);
    if (!machine) throw new ApiError("invalid_token");
    return machine;
  }
  const claims = await ctx.accessTokens.verify(token);
  const { userId, sessionId } = claims;
  const isRevoked = await ctx.revocations.isRevoked(sessionId, userId);
  const isReplaced = isRevoked && replaced && (await wasReplacedLately(ctx, sessionId));
  if (isRevoked && !isReplaced) throw new ApiError("invalid_token");
  return speakerOf(claims, await ctx.grants.of(userId), isReplaced);
}

/** Field by field: to copy objects whole costs ten times as much. */
function speakerOf(claims: AccessClaims, grants: Grants, isReplaced: boolean): Principal {
  return {
    userId: claims.userId,
    tenantId: claims.tenantId,
    accountId: grants.accountId,
    sessionId: claims.sessionId,
    apiKeyId: null,
    impersonatorId: claims.impersonatorId ?? null,
    amr: claims.amr,
    authenticatedAt: claims.authenticatedAt,
    mfaRequired: claims.mfaRequired,
    roles: grants.roles,
    permissions: grants.permissions,
    ...(isReplaced && { isReplaced }),
  };
}

/** @throws ApiError `session_required` for a machine; `invalid_token` for somebody who has just been erased. */
function personIn(principal: Principal): PersonInSession {
  const sessionId = assertPerson(principal);
  const { accountId } = principal;
  if (accountId === null) throw new ApiError("invalid_token", "The account is gone.");
  return { ...principal, sessionId, accountId };
}

/** With MFA=required, or a tenant that asks for it, a session of one factor may do nothing but set up the second one. */
function assertFactors({ config }: Context, { sessionId, amr, mfaRequired }: Principal): void {
  const required = config.mfa === "required" || mfaRequired === true;
  if (required && sessionId !== null && !amr.includes("mfa"))
    throw new ApiError("mfa_enrollment_required");
}
