/** What `GET /v1/auth/me` asks of the database: user and tenant in one statement. */
import type { Pool } from "pg";
import { named } from "../db/statement-names.ts";
import type { Principal } from "../principal.ts";
import {
  TENANT_COLUMNS,
  type TenantBeside,
  type TenantRow,
  tenantBeside,
} from "../tenants/schemas.ts";
import { USER_COLUMNS, type UserRow } from "../users/public-user.ts";

const FIND_ME = named(`
  SELECT ${USER_COLUMNS}, ${TENANT_COLUMNS}
  FROM users LEFT JOIN tenants ON tenants.id = users.tenant_id
  WHERE users.id = $1 AND users.tenant_id IS NOT DISTINCT FROM $2::uuid AND NOT users.is_deleted`);

/** The caller with their tenant, whether that is deleted or not; undefined once the user is. */
export async function findMe(
  pool: Pick<Pool, "query">,
  { userId, tenantId }: Pick<Principal, "userId" | "tenantId">,
): Promise<{ user: UserRow; tenant: TenantRow | null } | undefined> {
  const values = [userId, tenantId];
  const { rows } = await pool.query<UserRow & TenantBeside>({ ...FIND_ME, values });
  return rows[0] && { user: rows[0], tenant: tenantBeside(rows[0]) };
}
