/** Who I am, and the life of my sessions: below /v1/auth. */
import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { acrossTenants } from "../db/scope.ts";
import { PageQuery, pageOf } from "../fields.ts";
import { authenticateSession, inSession, requireRecentLogin } from "../http/authenticate.ts";
import { entity, expected } from "../http/conditional.ts";
import { operation } from "../http/operation.ts";
import {
  deliverTokens,
  forgetRefused,
  forgetTokens,
  givenToken,
  refreshTokenOf,
} from "../http/refresh-cookie.ts";
import { validate, validateIfSent } from "../http/validate.ts";
import { listSessions, Session } from "../sessions/list.ts";
import { Memberships, membershipsOf } from "../users/memberships.ts";
import { getProfile, profileVersion, updateProfile } from "../users/profile.ts";
import { Profile, UpdateProfileInput } from "../users/schemas.ts";
import { endOtherSessions, endSession, logout, logoutAll, logoutByToken } from "./logout.ts";
import { getMe } from "./me.ts";
import { refresh } from "./refresh.ts";
import { LogoutInput, Me, RefreshInput, TokenAnswer } from "./schemas.ts";

const op = operation("Auth", { session: true });
const anonymous = operation("Auth", { anonymous: true });

export const authRoutes = new Hono<AppEnv>()
  .post(
    "/refresh",
    anonymous("Exchange a refresh token for the next one", {
      200: TokenAnswer,
      errors: [401, 403, 404, 422],
      optionalBody: RefreshInput,
      cookie: "exchanged",
    }),
    // A page whose token travels in the cookie has nothing to say.
    validateIfSent(RefreshInput),
    async (c) => {
      const { refreshToken: given, tenantId } = c.req.valid("json");
      const token = refreshTokenOf(c, given);
      try {
        return c.json(deliverTokens(c, await refresh(c.var.ctx, token, tenantId)));
      } catch (err) {
        forgetRefused(c, given, err);
        throw err;
      }
    },
  )
  .post(
    "/logout",
    op("End this session", { 204: null, optionalBody: LogoutInput, cookie: "ended" }),
    validateIfSent(LogoutInput),
    async (c) => {
      const token = givenToken(c, c.req.valid("json").refreshToken);
      if (token !== undefined) await logoutByToken(c.var.ctx, token);
      await inSession(c, { mayBeGone: token !== undefined }, logout);
      forgetTokens(c);
      return c.body(null, 204);
    },
  )
  .post(
    "/logout-all",
    op("End all of my sessions", { 204: null, cookie: "taken back" }),
    authenticateSession(),
    requireRecentLogin(),
    async (c) => {
      await logoutAll(c.var.ctx);
      forgetTokens(c);
      return c.body(null, 204);
    },
  )
  .get(
    "/me",
    op("Who I am and what I may do", { 200: Me }),
    authenticateSession({ beforeMfa: true, impersonated: true }),
    async (c) => c.json(await getMe(c.var.ctx)),
  )
  .get(
    "/me/tenants",
    op("The tenants that I belong to", { 200: Memberships }),
    authenticateSession({ beforeMfa: true }),
    async (c) => {
      const { accountId } = c.var.ctx.principal;
      const items = await acrossTenants(() => membershipsOf(c.var.ctx.db, accountId));
      return c.json({ items });
    },
  )
  .get(
    "/me/profile",
    op("My profile", { 200: Profile, 304: null }),
    authenticateSession({ impersonated: true }),
    async (c) => {
      const profile = await getProfile(c.var.ctx, c.var.ctx.principal.userId);
      return entity(c, profile, profileVersion(profile));
    },
  )
  .patch(
    "/me/profile",
    op("Change my profile", { 200: Profile, errors: [412, 422] }),
    authenticateSession({ impersonated: true }),
    validate("json", UpdateProfileInput),
    async (c) => {
      const { userId } = c.var.ctx.principal;
      const profile = await updateProfile(c.var.ctx, userId, c.req.valid("json"), expected(c));
      return entity(c, profile, profileVersion(profile));
    },
  )
  .get(
    "/sessions",
    op("My sessions", { 200: pageOf(Session, "SessionPage"), errors: [422] }),
    authenticateSession({ impersonated: true }),
    validate("query", PageQuery),
    async (c) => {
      const { accountId, sessionId } = c.var.ctx.principal;
      return c.json(await listSessions(c.var.ctx, accountId, c.req.valid("query"), sessionId));
    },
  )
  .delete(
    "/sessions",
    op("End my other sessions", { 204: null, errors: [403] }),
    authenticateSession(),
    requireRecentLogin(),
    async (c) => {
      await endOtherSessions(c.var.ctx);
      return c.body(null, 204);
    },
  )
  .delete(
    "/sessions/:id",
    op("End one of my sessions", { 204: null, errors: [403, 404] }),
    authenticateSession(),
    requireRecentLogin(),
    async (c) => {
      await endSession(c.var.ctx, c.req.param("id"));
      return c.body(null, 204);
    },
  );
