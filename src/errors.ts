/** What can go wrong for a caller, by stable code. The codes are API: clients branch on them. HTTP is not known here. */

export const ERROR_TITLES = {
  invalid_host: "The Host header is not valid",
  malformed_body: "The body is not valid JSON",
  unsupported_media_type: "The body has the wrong media type",
  body_too_large: "The body is too large",
  body_too_slow: "The body came too slowly",
  invalid_idempotency_key: "The idempotency key is missing or malformed",
  validation_failed: "The request is not valid",
  not_authenticated: "Authentication is required",
  invalid_token: "The access token is not valid",
  invalid_credentials: "E-mail or password is wrong",
  invalid_refresh_token: "The refresh token is not valid",
  invalid_one_time_token: "The link or code is not valid",
  invalid_mfa_token: "The log-in has to be begun again",
  invalid_second_factor: "The second factor was not right",
  invalid_passkey: "The passkey was not accepted",
  reauthentication_required: "Log in again to do this",
  session_required: "This needs a session",
  impersonation_forbidden: "This is for the user alone",
  mfa_enrollment_required: "A second factor has to be set up first",
  rate_limited: "Too many requests",
  permission_denied: "You may not do this",
  registration_closed: "Registration is closed",
  not_found: "Not found",
  method_not_allowed: "Method not allowed",
  email_taken: "This e-mail address is taken",
  slug_taken: "This slug is taken",
  precondition_failed: "It was changed meanwhile",
  idempotency_key_in_use: "The first request is under way",
  idempotency_key_reused: "This idempotency key was used for another request",
  answer_not_kept: "It was done, and its answer was too long to be kept",
  nothing_written: "Something is wrong with it, and nothing was written",
  seat_limit: "All seats are taken",
  factor_exists: "This factor is set up already",
  role_name_taken: "This role name is taken",
  role_in_use: "This role is in use",
  too_many_roles: "There are too many roles",
  last_owner: "A tenant needs an owner",
  last_super_admin: "The installation needs a super admin",
  overloaded: "The server is busy",
  unavailable: "The service is not available",
  internal_error: "Something went wrong",
} as const;

export type ErrorCode = keyof typeof ERROR_TITLES;

/** One fault in the input: `path` in dotted form, and what to do about it. */
export type FieldError = { path: string; message: string };

/** Where a caller stands with a rate limit, as the RateLimit fields tell it. */
export type RateState = {
  policy: string;
  quota: number;
  windowSeconds: number;
  remaining: number;
  resetSeconds: number;
};

export type ErrorDetails = {
  errors?: FieldError[];
  /** Methods that the path does answer. */
  allow?: string[];
  retryAfterSeconds?: number;
  /** RFC 9470: how recent the log-in must be. */
  maxAgeSeconds?: number;
  /** The rate limit that was reached. */
  rateLimit?: RateState;
  /** What became of each item, where there are many. */
  results?: ItemOutcome[];
  cause?: unknown;
};

/** What became of one of many items: done, with the id of what it was done to, or not. */
export type ItemOutcome = { index: number; id?: string; error?: ApiError };

/** An error that the caller may see: `message` is public text and never holds a secret or another tenant's data. */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
  }
}

/** Also for rows of other tenants: whether they exist is nobody else's business. */
export class NotFoundError extends ApiError {
  override name = "NotFoundError";

  constructor(resource: string) {
    super("not_found", `There is no such ${resource}.`);
  }
}

export class PermissionError extends ApiError {
  override name = "PermissionError";

  constructor(message: string) {
    super("permission_denied", message);
  }
}

export class ValidationError extends ApiError {
  override name = "ValidationError";

  constructor(errors: FieldError[]) {
    super("validation_failed", "Some fields are not valid: see errors.", { errors });
  }
}
