/** What has to be known to give roles, in one statement. */
import { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { readSettings, type TenantSettings } from "../tenant-settings/settings.ts";

export type Giving = {
  settings: TenantSettings;
  /** Those of the wanted names, the system's and the tenant's own; where none is named, those that one may get by default. */
  roles: { id: string; name: string; permissions: string[] }[];
  /** What the caller's user holds now. */
  held: string[];
};

/** As the database has it: `readSettings` says what of the settings counts. */
export type StoredGiving = Omit<Giving, "settings"> & { settings: unknown };

/** The columns of `StoredGiving` as SQL. A test holds them equal to the Prisma queries that say the same. */
export function givingSql(
  { principal: { userId, tenantId: own } }: Pick<AuthedContext, "principal">,
  tenantId: string | null,
  names: string[] | undefined,
): Prisma.Sql {
  const wanted = names
    ? Prisma.sql`roles.name = ANY (${names}::varchar[])`
    : Prisma.sql`roles.name IN ('member', (SELECT settings ->> 'defaultRole' FROM tenants WHERE id = ${tenantId}::uuid))`;
  return Prisma.sql`
    (SELECT settings FROM tenants WHERE id = ${tenantId}::uuid) AS settings,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('id', roles.id, 'name', roles.name, 'permissions', ARRAY(
        SELECT permission_key FROM role_permissions WHERE role_permissions.role_id = roles.id)) ORDER BY roles.id), '[]')
      FROM roles WHERE (roles.tenant_id IS NULL OR roles.tenant_id = ${tenantId}::uuid) AND ${wanted}) AS roles,
    ARRAY(SELECT DISTINCT permission_key FROM role_permissions JOIN user_roles ON user_roles.role_id = role_permissions.role_id
      WHERE user_roles.user_id = ${userId}::uuid AND user_roles.tenant_id IS NOT DISTINCT FROM ${own}::uuid) AS held`;
}

/** To be read under the lock of the grants (held.ts), in a statement that begins after it. */
export async function readGiving(
  tx: Transaction,
  ctx: Pick<AuthedContext, "principal">,
  tenantId: string | null,
  names: string[] | undefined,
): Promise<Giving> {
  const [row] = await tx.$queryRaw<[StoredGiving]>`SELECT ${givingSql(ctx, tenantId, names)}`;
  return toGiving(row);
}

export function toGiving(row: StoredGiving): Giving {
  return { ...row, settings: readSettings(row.settings) };
}
