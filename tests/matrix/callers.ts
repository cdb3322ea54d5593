/** Who calls in the matrix, and what an operation asks of them. */
import { PERMISSIONS, type PermissionKey } from "../../src/roles/permissions.ts";

export const CALLERS = [
  /** Without a token. */
  "anonymous",
  /** A member who holds every permission that a tenant can give but the one of the row. */
  "without",
  /** A member with a role of the tenant's own that holds the row's permission and no other. */
  "with",
  /** As `with`, by a log-in that is older than STEP_UP_SECONDS, and asking for what is their own where an id can be that. */
  "stale",
  /** Somebody with the system role of that name. */
  "admin",
  /** The admin of another tenant, with our ids in the path. */
  "foreign",
  /** A super admin. */
  "root",
  /** Whose tenant was suspended, who was deleted, who was disabled, since they logged in. */
  "suspended",
  "deleted",
  "disabled",
  /** A key of a machine that may do everything, with every scope but the row's permission; and with that one alone. */
  "keyWithout",
  "keyWith",
] as const;
export type Caller = (typeof CALLERS)[number];

export type Access = PermissionKey | "anonymous" | "token" | "session";

export function isPermission(access: Access): access is PermissionKey {
  return (PERMISSIONS as readonly string[]).includes(access);
}
