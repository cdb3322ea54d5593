import type { PasswordOrigin, UserStatus } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { emailScopeOf } from "./placeholders.ts";

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
  /** Whether an address that has an account elsewhere becomes a placeholder (placeholders.ts), or is left out. */
  mayBePlaceholder: boolean;
};

/**
 * Inserts the users whose address is free, and answers the ids of these. One statement, which tries each row twice: as an
 * account, and then as a placeholder. Whichever of the two fails, the work is the same, so its time does not tell whether an
 * address has an account in a tenant that the caller does not see. Conflicts are seen there too: unique indexes know no
 * policy.
 */
export async function insertUsers(
  tx: Transaction,
  ctx: Context,
  { tenantId, createdBy, mayBePlaceholder }: Target,
  users: InsertedUser[],
): Promise<Set<string>> {
  const emailScope = emailScopeOf(ctx, tenantId);
  const may = mayBePlaceholder && tenantId !== null && emailScope === null;
  // One parameter of JSON: Prisma would spend more time on thousands of them than PostgreSQL on the rows.
  const inserted = await tx.$queryRaw<{ id: string }[]>`
    WITH given AS (
      SELECT id, ${tenantId}::uuid AS tenant_id, coalesce(kind, 'person') AS kind,
        coalesce(status, 'active') AS status, email, "firstName", "lastName",
        "passwordHash", "passwordOrigin", "emailVerifiedAt", ${createdBy}::uuid AS created_by
      FROM jsonb_to_recordset(${JSON.stringify(users)}::jsonb) AS rows
        (id uuid, kind user_kind, status user_status, email text, "firstName" text, "lastName" text, "passwordHash" text,
         "passwordOrigin" password_origin, "emailVerifiedAt" timestamptz)
    ), accounts AS (
      INSERT INTO users (id, tenant_id, kind, status, email, first_name, last_name, password_hash, password_origin,
        email_verified_at, created_by, email_scope)
      SELECT given.*, ${emailScope}::uuid FROM given
      ON CONFLICT DO NOTHING RETURNING id
    ), placeholders AS (
      INSERT INTO users (id, tenant_id, kind, status, email, first_name, last_name, password_hash, password_origin,
        email_verified_at, created_by, email_scope)
      -- The count makes sure that it is the second one. Accounts are left out by their id.
      SELECT given.*, ${tenantId}::uuid FROM given, (SELECT count(*) FROM accounts) AS done
      WHERE ${may}::boolean
      ON CONFLICT DO NOTHING RETURNING id
    )
    SELECT id FROM accounts UNION ALL SELECT id FROM placeholders`;
  return new Set(inserted.map(({ id }) => id));
}
