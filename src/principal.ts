/** Who is asking, and from where. */
import { PermissionError } from "./errors.ts";

/** Where a request comes from. `ip` is null when the transport does not tell. */
export type RequestOrigin = {
  requestId: string;
  ip: string | null;
  userAgent: string | null;
  /** The languages that the client prefers, as BCP 47 tags with commas between them, the most wanted first. */
  language: string | null;
  /** What the client calls the device that it runs on. */
  device: string | null;
  /** The devices that it has shown to have been (crypto/device-token.ts); absent where it does not ask to be known again. */
  devices?: readonly string[];
  /** That of them by which the account that a log-in is about knows it: http/known-device.ts. */
  knownDevice?: string;
};

/** Who calls: a user in a session, or a machine with an API key. tenantId NULL is a platform account. */
export type Principal = {
  userId: string;
  tenantId: string | null;
  /** What the user logs in with; null for an API key, which changes nothing of it. */
  accountId: string | null;
  /** Null for an API key. */
  sessionId: string | null;
  /** Null for a session. */
  apiKeyId: string | null;
  /** The super admin who acts as the user; null when the user is there in person. */
  impersonatorId: string | null;
  /** How the session was begun (RFC 8176), and when, in seconds since 1970. */
  amr: readonly string[];
  authenticatedAt: number;
  /** Another session took the place of this one a moment ago, and the answer that said so may be lost. */
  isReplaced?: true;
  /** The tenant asks for a second factor, and no machine. */
  mfaRequired?: boolean;
  roles: readonly string[];
  permissions: ReadonlySet<string>;
};

/** Whose share of what is scarce a caller takes from: all of a tenant together; a platform account by itself. */
export function payerOf({ tenantId, userId }: Pick<Principal, "tenantId" | "userId">): string {
  return tenantId ?? userId;
}

/**
 * Where somebody makes something: in their own tenant, or as a platform account in the one that they name, if any.
 * @throws PermissionError for another tenant than the caller's.
 */
export function targetTenant(
  { principal: { tenantId: own } }: { principal: Principal },
  named: string | undefined,
  what = "Users",
): string | null {
  if (named === undefined || named === own) return own;
  if (own === null) return named;
  throw new PermissionError(`${what} are made in your own tenant: leave tenantId out.`);
}

/**
 * Beside the refresh token of an answer, and in no JSON: for how many seconds it is good when nobody uses it. A cookie
 * says so (http/refresh-cookie.ts).
 */
export const REFRESH_SECONDS = Symbol("seconds of the refresh token");
