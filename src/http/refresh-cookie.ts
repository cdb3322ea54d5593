/**
 * Refresh tokens for web pages, in a cookie that no script can read (ASVS 5.0, 3.3). A page asks for it with the header
 * `Tenantry-Tokens: cookie`. The same header must stand beside the cookie when it is used: another site's page cannot
 * send it without a preflight, which cross-origin.ts answers for the listed origins alone (ASVS 5.0, 3.5.2).
 */
import type { Context as HonoContext } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { REFRESH_SECONDS } from "../principal.ts";
import { deliverDevice } from "./device-cookie.ts";

/** With this prefix a browser takes it over HTTPS (or from localhost) alone, for this host and all of its paths. */
export const REFRESH_COOKIE = "__Host-tenantry_refresh";
const OPTIONS = { path: "/", secure: true, httpOnly: true, sameSite: "Strict" } as const;

/** Moves the tokens of an answer into the cookies that the page asked for. */
export function deliverTokens<Env extends AppEnv, Answer extends object>(
  c: HonoContext<Env>,
  answer: Answer,
): Answer {
  return deliverDevice(c, deliverRefreshToken(c, answer));
}

function deliverRefreshToken<Env extends AppEnv, Answer extends object>(
  c: HonoContext<Env>,
  answer: Answer,
): Answer {
  if (!wantsCookie(c) || !("refreshToken" in answer)) return answer;
  const { refreshToken, ...rest } = answer;
  const seconds = REFRESH_SECONDS in answer ? Number(answer[REFRESH_SECONDS]) : 0;
  const maxAge = Math.max(0, seconds);
  // Hono refuses more than RFC 6265bis lets browsers keep.
  setCookie(c, REFRESH_COOKIE, String(refreshToken), {
    ...OPTIONS,
    maxAge: Math.min(maxAge, 400 * 86_400),
  });
  return rest as Answer;
}

/**
 * The refresh token of the body, else of the cookie.
 * @throws ApiError `permission_denied` for a page of an origin that may not use the cookie.
 */
export function givenToken(c: HonoContext<AppEnv>, given: string | undefined): string | undefined {
  if (given !== undefined) return given;
  const token = wantsCookie(c) ? getCookie(c, REFRESH_COOKIE) : undefined;
  if (token !== undefined) assertOwnPage(c);
  return token;
}

/** As `givenToken`. @throws also ApiError `invalid_refresh_token` without either. */
export function refreshTokenOf(c: HonoContext<AppEnv>, given: string | undefined): string {
  const token = givenToken(c, given);
  if (token === undefined)
    throw new ApiError(
      "invalid_refresh_token",
      "Send refreshToken, or the cookie with the header Tenantry-Tokens: cookie.",
    );
  return token;
}

/** Takes the cookie back when the token that was refused came in it: a browser would send it for ever. */
export function forgetRefused<Env extends AppEnv>(
  c: HonoContext<Env>,
  given: string | undefined,
  err: unknown,
): void {
  const isRefused = err instanceof ApiError && err.code === "invalid_refresh_token";
  if (isRefused && given === undefined) forgetTokens(c);
}

/** Takes the cookie back, after a log-out. */
export function forgetTokens<Env extends AppEnv>(c: HonoContext<Env>): void {
  if (wantsCookie(c)) deleteCookie(c, REFRESH_COOKIE, OPTIONS);
}

function wantsCookie({ req }: Pick<HonoContext, "req">): boolean {
  return req.header("tenantry-tokens") === "cookie";
}

/**
 * Browsers name the page's origin with every POST. Beside the header it is a second fence (OWASP, CSRF prevention). Behind a
 * proxy that passes the API on below the page's own origin, that origin is APP_URL's.
 */
function assertOwnPage(c: HonoContext<AppEnv>): void {
  const { issuer, appUrl, corsOrigins } = c.get("ctx").config;
  const origin = c.req.header("origin");
  const own = [new URL(issuer).origin, new URL(appUrl).origin, ...corsOrigins];
  if (origin !== undefined && !own.includes(origin))
    throw new ApiError(
      "permission_denied",
      "Pages of this origin may not use the cookie. It must be the origin of APP_URL or ISSUER, or stand in CORS_ORIGINS.",
    );
}
