/**
 * Every error that a caller may see: its code, its status, its title and what it says. The codes are API: clients branch
 * on them. The answers, the OpenAPI document and docs/reference/api.md take all of it from here.
 */

type ErrorKind = {
  status: number;
  title: string;
  /** What the caller is told where nothing better is known, and the documents always. */
  detail: string;
  /** When to come back, unless whoever throws it knows better. */
  retryAfterSeconds?: number;
  /** Of a problem that has a registered type; ours are for the others. */
  type?: string;
};

// biome-ignore format: a table, an error a row.
const KINDS = {
  invalid_host: { status: 400, title: "The Host header is not valid", detail: "Send one Host header: a host name and, maybe, a port." },
  malformed_body: { status: 400, title: "The body is not valid JSON", detail: "The body is not valid JSON." },
  unsupported_media_type: { status: 415, title: "The body has the wrong media type", detail: "Send JSON, not compressed, with the header Content-Type: application/json." },
  body_too_large: { status: 413, title: "The body is too large", detail: "Send less at once: an answer names the limit." },
  body_too_slow: { status: 408, title: "The body came too slowly", detail: "Send the body at once, and at 4 KiB/s or faster." },
  invalid_idempotency_key: { status: 400, title: "The idempotency key is missing or malformed", detail: 'Send Idempotency-Key: "<a UUID, or something as unlikely to come twice>".' },
  validation_failed: { status: 422, title: "The request is not valid", detail: "Some fields are not valid: see errors." },
  not_authenticated: { status: 401, title: "Authentication is required", detail: "Send an access token: Authorization: Bearer <token>." },
  invalid_token: { status: 401, title: "The access token is not valid", detail: "The access token is expired, revoked or not one of ours." },
  invalid_credentials: { status: 401, title: "E-mail or password is wrong", detail: "The e-mail address or the password is wrong, or the account is not active." },
  invalid_refresh_token: { status: 401, title: "The refresh token is not valid", detail: "The refresh token is expired, used, revoked or unknown. Log in again." },
  invalid_one_time_token: { status: 400, title: "The link or code is not valid", detail: "The link or code is expired, used, replaced by a newer one, or not ours. Ask for a new one." },
  invalid_mfa_token: { status: 401, title: "The log-in has to be begun again", detail: "The time for the second step is over, or the account has changed. Log in again." },
  invalid_second_factor: { status: 401, title: "The second factor was not right", detail: "The code or passkey was not accepted." },
  invalid_passkey: { status: 401, title: "The passkey was not accepted", detail: "The passkey was not accepted." },
  reauthentication_required: { status: 401, title: "Log in again to do this", detail: "Prove again who you are: POST /v1/auth/reauthenticate." },
  session_required: { status: 403, title: "This needs a session", detail: "An API key cannot do this: log in as a person." },
  impersonation_forbidden: { status: 403, title: "This is for the user alone", detail: "Nobody does this in somebody else's name." },
  mfa_enrollment_required: { status: 403, title: "A second factor has to be set up first", detail: "Set up a second factor, then log in again with it: POST /v1/auth/me/totp or /v1/auth/me/passkeys/options." },
  rate_limited: { status: 429, title: "Too many requests", detail: "Too many attempts. Try again later.", type: "https://iana.org/assignments/http-problem-types#quota-exceeded" },
  permission_denied: { status: 403, title: "You may not do this", detail: "A permission is missing." },
  shared_account: { status: 403, title: "The account is its person's", detail: "The account opens other tenants too, or its person has proved it: its address, factors and password are theirs to change." },
  registration_closed: { status: 403, title: "Registration is closed", detail: "New tenants are made by the operator of this installation." },
  not_found: { status: 404, title: "Not found", detail: "There is no such thing, or it is another tenant's." },
  method_not_allowed: { status: 405, title: "Method not allowed", detail: "This path answers other methods: see Allow." },
  email_taken: { status: 409, title: "This e-mail address is taken", detail: "Another account has this address." },
  slug_taken: { status: 409, title: "This slug is taken", detail: "Another tenant has this slug." },
  name_confusable: { status: 409, title: "This name looks like another tenant's", detail: "Another tenant has a name that looks the same and is not: choose one that nobody takes for it." },
  precondition_failed: { status: 412, title: "It was changed meanwhile", detail: "It is not what If-Match names: get it anew, and decide again." },
  idempotency_key_in_use: { status: 409, title: "The first request is under way", detail: "The first request with this Idempotency-Key is under way.", retryAfterSeconds: 1 },
  idempotency_key_reused: { status: 422, title: "This idempotency key was used for another request", detail: "This Idempotency-Key was used for another request: every request has its own." },
  answer_not_kept: { status: 409, title: "It was done, and its answer is not kept", detail: "The first request with this Idempotency-Key was done. Nothing was done again." },
  nothing_written: { status: 422, title: "Something is wrong with it, and nothing was written", detail: "Some of it cannot be done: see results or errors." },
  seat_limit: { status: 409, title: "All seats are taken", detail: "All seats are taken, by people and by pending invitations." },
  factor_exists: { status: 409, title: "This factor is set up already", detail: "There is an authenticator app already: remove it first." },
  role_name_taken: { status: 409, title: "This role name is taken", detail: "There is a role with this name already." },
  role_in_use: { status: 409, title: "This role is in use", detail: "Somebody holds the role, or an open invitation promises it." },
  too_many_roles: { status: 409, title: "There are too many roles", detail: "A tenant may have no more roles of its own." },
  permission_exists: { status: 409, title: "This permission is declared already", detail: "There is a permission with this key already." },
  permission_in_use: { status: 409, title: "This permission is in use", detail: "Roles of tenants or API keys hold it." },
  too_many_permissions: { status: 409, title: "There are too many permissions", detail: "No more permissions of applications can be declared." },
  last_owner: { status: 409, title: "A tenant needs an owner", detail: "Make another user an owner first." },
  last_super_admin: { status: 409, title: "The installation needs a super admin", detail: "Make another super admin first." },
  overloaded: { status: 503, title: "The server is busy", detail: "Too many requests at once. Try again in a moment.", retryAfterSeconds: 1 },
  unavailable: { status: 503, title: "The service is not available", detail: "The database does not answer. Try again in a moment.", retryAfterSeconds: 2 },
  internal_error: { status: 500, title: "Something went wrong", detail: "The fault is ours. Quote the request id when you report it." },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof KINDS;

export type ErrorStatus = (typeof KINDS)[ErrorCode]["status"];

export const ERRORS: Record<ErrorCode, ErrorKind & { status: ErrorStatus }> = KINDS;

/** One fault in the input: `path` in dotted form, and what to do about it. */
export type FieldError = { path: string; message: string };

/** Where a caller stands with a rate limit: the "service limit" of the RateLimit fields. */
export type ServiceLimit = {
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
  rateLimit?: ServiceLimit;
  /** What became of each item, where there are many. */
  results?: ItemOutcome[];
  cause?: unknown;
};

/** What became of one of many items: done, with the id of what it was done to, or not. */
export type ItemOutcome = { index: number; id?: string; error?: ApiError };

/**
 * An error that the caller may see: `message` is public text and never holds a secret or another tenant's data. Without
 * one it is the text of its code.
 */
export class ApiError extends Error {
  override name = "ApiError";

  readonly details: ErrorDetails;

  constructor(
    readonly code: ErrorCode,
    message: string = ERRORS[code].detail,
    details: ErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    const { retryAfterSeconds } = ERRORS[code];
    this.details = { ...(retryAfterSeconds && { retryAfterSeconds }), ...details };
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
    super("validation_failed", undefined, { errors });
  }
}
