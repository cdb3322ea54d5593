/** Every error leaves here, as RFC 9457 application/problem+json. */
import type { ErrorHandler, Context as HonoContext } from "hono";
import type { AppEnv } from "../context.ts";
import { reasonOf, toApiError } from "../db/failures.ts";
import { type ApiError, ERRORS, type ErrorCode, type ItemOutcome } from "../errors.ts";
import { describeError } from "../log.ts";
import { rateLimitFields } from "./rate-limit.ts";

/**
 * Whoever is told to come back later, and goes on at once, must not keep the server busy with telling them: fifty
 * connections are refused two hundred and fifty times a second at most.
 */
const REFUSALS: readonly ErrorCode[] = ["rate_limited", "overloaded"];
const REFUSAL_MILLIS = 200;

/** Answers any error. What we did not mean to throw is logged whole and shown as nothing but its request id. */
export function problemHandler(): ErrorHandler<AppEnv> {
  return async function problemHandler(thrown, c) {
    const err = toApiError(thrown);
    if (REFUSALS.includes(err.code)) await Bun.sleep(REFUSAL_MILLIS);
    if (err.code === "internal_error" || err.code === "unavailable") {
      const reason = reasonOf(thrown);
      c.get("ctx").log("error", err.code, {
        requestId: c.get("ctx").origin.requestId,
        ...(reason && { reason }),
        error: describe(thrown),
      });
    }
    return problem(c, err);
  };
}

export function problem(c: HonoContext<AppEnv>, err: ApiError): Response {
  const { status } = ERRORS[err.code];
  const { errors, results, allow, retryAfterSeconds, rateLimit } = err.details;
  const { origin, metrics } = c.get("ctx");
  const { requestId } = origin;
  metrics?.errors.add(err.code);
  if (rateLimit) metrics?.limits.add(rateLimit.policy);
  const body = {
    ...kindOf(err.code),
    detail: err.message,
    instance: `urn:tenantry:request:${requestId}`,
    ...(errors && { errors }),
    ...(results && { results: results.map((outcome) => itemOf(outcome)) }),
    ...(rateLimit && { "violated-policies": [rateLimit.policy] }),
  };
  if (status === 401) c.header("www-authenticate", challenge(err));
  if (allow) c.header("allow", allow.join(", "));
  // RFC 9110, section 15.5.9: what is left of the body is not waited for.
  if (status === 408) c.header("connection", "close");
  if (retryAfterSeconds !== undefined) c.header("retry-after", String(retryAfterSeconds));
  for (const [name, value] of rateLimit ? rateLimitFields(rateLimit) : []) c.header(name, value);
  c.header("cache-control", "no-store");
  return c.body(JSON.stringify(body), status, { "content-type": "application/problem+json" });
}

/** What all problems with this code have in common. */
export function kindOf(code: ErrorCode) {
  const { status, title, type = `urn:tenantry:problem:${code}` } = ERRORS[code];
  return { type, title, status, code };
}

/** One of many items, as if it had been a request of its own. */
export function itemOf({ index, id, error }: ItemOutcome, successStatus = 200) {
  if (!error) return { index, status: successStatus, ...(id !== undefined && { id }) };
  const { code, message: detail, details } = error;
  const { errors } = details;
  return { index, status: ERRORS[code].status, error: { code, detail, ...(errors && { errors }) } };
}

/** RFC 6750, section 3: no error attribute when the request carried no credentials at all. */
function challenge({ code, details }: ApiError): string {
  const realm = 'Bearer realm="tenantry"';
  if (code === "invalid_token") return `${realm}, error="invalid_token"`;
  // RFC 9470, section 3.
  if (code === "reauthentication_required")
    return `${realm}, error="insufficient_user_authentication", max_age="${details.maxAgeSeconds}"`;
  return realm;
}

/** The error for the log: what went wrong and where. */
function describe(thrown: unknown): string {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  const frames = stack?.split("\n").filter((line) => /^ +at /.test(line)) ?? [];
  return [describeError(thrown), ...frames].join("\n");
}
