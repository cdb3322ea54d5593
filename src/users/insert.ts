import { type PasswordOrigin, Prisma, type UserStatus } from "../../generated/prisma/client.ts";
import type { Transaction } from "../db/client.ts";
import { USER_COLUMNS, type UserRow } from "./public-user.ts";

export type InsertedUser = {
  id: string;
  /** Without it: person. */
  kind?: "service";
  /** Without it: active. */
  status?: UserStatus;
  email: string;
  firstName: string | null;
  lastName: string | null;
  passwordHash: string | null;
  /** Of no meaning without a password. */
  passwordOrigin: PasswordOrigin;
  emailVerifiedAt: Date | null;
};

type Target = {
  tenantId: string | null;
  createdBy: string;
  /** In which their accounts are (accounts/pool.ts). */
  poolId: string | null;
};

/** The users of a tenant, or of the platform. Unlike IS NOT DISTINCT FROM the index can be asked for it. */
export function ofTenant(tenantId: string | null): Prisma.Sql {
  return tenantId === null
    ? Prisma.sql`users.tenant_id IS NULL`
    : Prisma.sql`users.tenant_id = ${tenantId}::uuid`;
}

type Inserted = { id: string; isMade: boolean; hasAccount: boolean };

/**
 * Inserts those whose address is free in the pool and in the tenant, each with an account of the user's id, and answers the
 * ids of these. One statement, whatever is taken. What is taken in another pool makes no difference: a tenant's own pool
 * knows nothing of the shared one, so neither answer nor time tells whether an address has an account there.
 */
export async function insertUsers(
  tx: Transaction,
  target: Target,
  users: InsertedUser[],
): Promise<Set<string>> {
  const rows = await tx.$queryRaw<Inserted[]>`
    WITH ${inserting(target, users)}
    SELECT given.id, made_users.id IS NOT NULL AS "isMade", made_accounts.id IS NOT NULL AS "hasAccount"
    FROM given LEFT JOIN made_users ON made_users.id = given.id LEFT JOIN made_accounts ON made_accounts.id = given.id`;
  await removeOrphans(tx, rows);
  return new Set(rows.flatMap(({ id, isMade }) => (isMade ? id : [])));
}

/**
 * The same of one user with their roles, and what else is to be written with them: still one statement. Null when the
 * address is taken; the caller takes back the rest then.
 * @param beside a statement that answers nothing, such as `recording` of audit/record.ts.
 */
export async function insertUserWithRoles(
  tx: Transaction,
  target: Target,
  user: InsertedUser,
  { roleIds, beside }: { roleIds: string[]; beside?: Prisma.Sql | undefined },
): Promise<UserRow | null> {
  const { tenantId, createdBy } = target;
  const [row] = await tx.$queryRaw<[UserRow & Inserted]>`
    WITH ${inserting(target, [user])}, granted AS (
      INSERT INTO user_roles (user_id, role_id, tenant_id, granted_by)
      SELECT made_users.id, role_id, ${tenantId}::uuid, ${createdBy}::uuid FROM made_users, unnest(${roleIds}::uuid[]) AS role_id
    )${beside ? Prisma.sql`, beside AS (${beside})` : Prisma.empty}
    SELECT made_users.*, given.id, made_users.id IS NOT NULL AS "isMade", made_accounts.id IS NOT NULL AS "hasAccount"
    FROM given LEFT JOIN made_users ON made_users.id = given.id LEFT JOIN made_accounts ON made_accounts.id = given.id`;
  await removeOrphans(tx, [row]);
  const { isMade, hasAccount: _, ...made } = row;
  return isMade ? made : null;
}

/** The parts of a statement that make `made_accounts` and `made_users` of what is `given`. */
function inserting({ tenantId, createdBy, poolId }: Target, users: InsertedUser[]): Prisma.Sql {
  // One parameter of JSON: Prisma would spend more time on thousands of them than PostgreSQL on the rows.
  return Prisma.sql`
    given AS (
      SELECT id, coalesce(kind, 'person') AS kind, coalesce(status, 'active') AS status, email, "firstName", "lastName",
        "passwordHash", "passwordOrigin", "emailVerifiedAt"
      FROM jsonb_to_recordset(${JSON.stringify(users)}::jsonb) AS rows
        (id uuid, kind user_kind, status user_status, email text, "firstName" text, "lastName" text, "passwordHash" text,
         "passwordOrigin" password_origin, "emailVerifiedAt" timestamptz)
    ), taken AS MATERIALIZED (
      -- Asked for once, by a function that reads no more of a tenant than these (migrations-sql/030_users.sql).
      SELECT taken_addresses(${tenantId}::uuid, ARRAY(SELECT email FROM given)) AS emails
    ), made_accounts AS (
      INSERT INTO accounts (id, pool_id, email, password_hash, password_origin, email_verified_at)
      SELECT id, ${poolId}::uuid, email, "passwordHash", "passwordOrigin", "emailVerifiedAt" FROM given
      WHERE kind = 'person' AND email <> ALL ((SELECT emails FROM taken)::text[])
      ON CONFLICT DO NOTHING RETURNING id
    ), made_users AS (
      INSERT INTO users (id, tenant_id, account_id, kind, status, email, first_name, last_name, email_verified_at, created_by)
      SELECT given.id, ${tenantId}::uuid, made_accounts.id, kind, status, email, "firstName", "lastName", "emailVerifiedAt",
        ${createdBy}::uuid
      FROM given LEFT JOIN made_accounts ON made_accounts.id = given.id
      WHERE kind = 'service' OR made_accounts.id IS NOT NULL
      ON CONFLICT DO NOTHING RETURNING ${Prisma.raw(USER_COLUMNS)}
    )`;
}

/** Somebody in the tenant got the address in this moment. */
async function removeOrphans(tx: Transaction, rows: Inserted[]): Promise<void> {
  const orphans = rows.flatMap(({ id, isMade, hasAccount }) => (hasAccount && !isMade ? id : []));
  if (orphans.length > 0)
    await tx.account.deleteMany({ where: { id: { in: orphans }, users: { none: {} } } });
}
