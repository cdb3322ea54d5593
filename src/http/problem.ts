/** Every error leaves here, as RFC 9457 application/problem+json. */
import type { ErrorHandler, Context as HonoContext } from "hono";
import type { AppEnv } from "../context.ts";
import { isOverload, isUnavailable } from "../db/failures.ts";
import { ApiError, ERROR_TITLES, type ErrorCode, type ItemOutcome } from "../errors.ts";
import { describeError } from "../log.ts";
import { rateLimitFields } from "./rate-limit.ts";

const STATUS = {
  invalid_host: 400,
  malformed_body: 400,
  unsupported_media_type: 415,
  body_too_large: 413,
  body_too_slow: 408,
  invalid_idempotency_key: 400,
  validation_failed: 422,
  not_authenticated: 401,
  invalid_token: 401,
  invalid_credentials: 401,
  invalid_refresh_token: 401,
  invalid_one_time_token: 400,
  invalid_mfa_token: 401,
  invalid_second_factor: 401,
  invalid_passkey: 401,
  reauthentication_required: 401,
  session_required: 403,
  impersonation_forbidden: 403,
  mfa_enrollment_required: 403,
  rate_limited: 429,
  permission_denied: 403,
  registration_closed: 403,
  not_found: 404,
  method_not_allowed: 405,
  email_taken: 409,
  slug_taken: 409,
  precondition_failed: 412,
  idempotency_key_in_use: 409,
  idempotency_key_reused: 422,
  answer_not_kept: 409,
  nothing_written: 422,
  seat_limit: 409,
  factor_exists: 409,
  role_name_taken: 409,
  role_in_use: 409,
  too_many_roles: 409,
  last_owner: 409,
  last_super_admin: 409,
  overloaded: 503,
  unavailable: 503,
  internal_error: 500,
} as const satisfies Record<ErrorCode, number>;

/** Problems that have a registered type; ours are for the others. */
const TYPES: Partial<Record<ErrorCode, string>> = {
  rate_limited: "https://iana.org/assignments/http-problem-types#quota-exceeded",
};

/**
 * Whoever is told to come back later, and goes on at once, must not keep the server busy with telling them: fifty
 * connections are refused two hundred and fifty times a second at most.
 */
const REFUSALS: readonly ErrorCode[] = ["rate_limited", "overloaded"];
const REFUSAL_MILLIS = 200;

export function errorStatus(code: ErrorCode): (typeof STATUS)[ErrorCode] {
  return STATUS[code];
}

/** Answers any error. What we did not mean to throw is logged whole and shown as nothing but its request id. */
export function problemHandler(): ErrorHandler<AppEnv> {
  return async function problemHandler(thrown, c) {
    const err = toApiError(thrown);
    if (REFUSALS.includes(err.code)) await Bun.sleep(REFUSAL_MILLIS);
    if (err.code === "internal_error" || err.code === "unavailable") {
      c.var.ctx.log("error", err.code, {
        requestId: c.var.ctx.origin.requestId,
        error: describe(thrown),
      });
    }
    return problem(c, err);
  };
}

export function problem(c: HonoContext<AppEnv>, err: ApiError): Response {
  const status = STATUS[err.code];
  const { errors, results, allow, retryAfterSeconds, rateLimit } = err.details;
  const { requestId } = c.var.ctx.origin;
  const body = {
    type: TYPES[err.code] ?? `urn:tenantry:problem:${err.code}`,
    title: ERROR_TITLES[err.code],
    status,
    code: err.code,
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

/** One of many items, as if it had been a request of its own. */
export function itemOf({ index, id, error }: ItemOutcome, successStatus = 200) {
  if (!error) return { index, status: successStatus, ...(id !== undefined && { id }) };
  const { code, message: detail, details } = error;
  const { errors } = details;
  return { index, status: STATUS[code], error: { code, detail, ...(errors && { errors }) } };
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

function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (isOverload(thrown)) {
    return new ApiError("overloaded", "Too many requests at once. Try again in a moment.", {
      retryAfterSeconds: 1,
    });
  }
  if (isUnavailable(thrown)) {
    return new ApiError("unavailable", "The database does not answer. Try again in a moment.", {
      retryAfterSeconds: 2,
    });
  }
  return new ApiError(
    "internal_error",
    "The fault is ours. Quote the request id when you report it.",
  );
}

/** The error for the log: what went wrong and where. */
function describe(thrown: unknown): string {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  const frames = stack?.split("\n").filter((line) => /^ +at /.test(line)) ?? [];
  return [describeError(thrown), ...frames].join("\n");
}
