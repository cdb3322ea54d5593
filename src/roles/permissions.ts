/**
 * The permissions that Tenantry's code asks for, which form those of applications have, and the system roles. The rows come
 * from migrations-sql/090_system_roles.sql, and by declare.ts at run time.
 */

export const PERMISSIONS = [
  "tenant:create",
  "tenant:list",
  "tenant:read",
  "tenant:update",
  "tenant:delete",
  "tenant:suspend",
  "user:create",
  "user:read",
  "user:update",
  "user:delete",
  "user:restore",
  "role:create",
  "role:read",
  "role:update",
  "role:delete",
  "role:assign",
  "session:read",
  "session:revoke",
  "user:import",
  "service_account:create",
  "service_account:read",
  "service_account:update",
  "service_account:delete",
  "api_key:create",
  "api_key:read",
  "api_key:delete",
  "user:export",
  "user:erase",
  "user:impersonate",
  "tenant:purge",
  "invitation:create",
  "invitation:read",
  "invitation:delete",
  "audit:read",
  "audit:export",
  "permission:declare",
] as const;

export type PermissionKey = (typeof PERMISSIONS)[number];

/** What runs the installation, and so never belongs into a tenant's own role. */
export const PLATFORM_PERMISSIONS = [
  "tenant:create",
  "tenant:list",
  "tenant:suspend",
  "tenant:purge",
  "user:impersonate",
  "permission:declare",
] as const satisfies PermissionKey[];

const platform: readonly PermissionKey[] = PLATFORM_PERMISSIONS;
export const TENANT_PERMISSIONS = PERMISSIONS.filter((key) => !platform.includes(key));

/**
 * Three parts, as namespace:resource:action. Tenantry's own have two, so neither is ever the other's, whatever a later
 * version adds. It is the CHECK of migrations-sql/050_roles.sql too, which keeps the namespace `tenantry` free as well.
 */
export const APPLICATION_KEY = /^[a-z][a-z0-9_-]*(:[a-z][a-z0-9_-]*){2}$/;
export const OUR_NAMESPACE = "tenantry:";

/** Of all applications together: whoever holds all of them has them in the memory of every instance. */
export const MOST_APPLICATION_PERMISSIONS = 500;

export function isApplications(key: string): boolean {
  return APPLICATION_KEY.test(key);
}

/** System roles have the same id in every installation. */
export const SYSTEM_ROLES = {
  super_admin: "00000000-0000-7000-8000-000000000001",
  owner: "00000000-0000-7000-8000-000000000002",
  admin: "00000000-0000-7000-8000-000000000003",
  member: "00000000-0000-7000-8000-000000000004",
  auditor: "00000000-0000-7000-8000-000000000005",
} as const;
