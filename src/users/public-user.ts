/** A user as callers see one. Fields are picked, never left out: a new column is secret until it is named here. */
import { z } from "zod";
import type { Prisma } from "../../generated/prisma/client.ts";
import { Timestamp } from "../fields.ts";

export const User = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid().nullable(),
    email: z.string(),
    pendingEmail: z.string().nullable().meta({
      description: "A new address that waits for its proof: it logs nobody in until then",
    }),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    status: z.enum(["active", "disabled"]),
    roles: z.array(z.string()),
    emailVerifiedAt: Timestamp.nullable(),
    lastLoginAt: Timestamp.nullable(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    version: z.int(),
  })
  .meta({ ref: "User" });
export type User = z.infer<typeof User>;

/** The columns behind `User`. */
export const userSelect = {
  id: true,
  tenantId: true,
  email: true,
  pendingEmail: true,
  firstName: true,
  lastName: true,
  status: true,
  emailVerifiedAt: true,
  lastLoginAt: true,
  createdAt: true,
  updatedAt: true,
  version: true,
} satisfies Prisma.UserSelect;

/** The same as SQL, by the names of `UserRow`; a test holds the two equal. */
export const USER_COLUMNS = `
  users.id, users.tenant_id AS "tenantId", users.email, users.pending_email AS "pendingEmail",
  users.first_name AS "firstName", users.last_name AS "lastName", users.status, users.email_verified_at AS "emailVerifiedAt",
  users.last_login_at AS "lastLoginAt", users.created_at AS "createdAt", users.updated_at AS "updatedAt", users.version`;

export const userWithRolesSelect = {
  ...userSelect,
  roles: { select: { role: { select: { name: true } } } },
} satisfies Prisma.UserSelect;

export type UserRow = Prisma.UserGetPayload<{ select: typeof userSelect }>;
type UserRowWithRoles = Prisma.UserGetPayload<{ select: typeof userWithRolesSelect }>;

export function toUser(row: UserRow, roles: readonly string[]): User {
  return {
    id: row.id,
    tenantId: row.tenantId,
    email: row.email,
    pendingEmail: row.pendingEmail,
    firstName: row.firstName,
    lastName: row.lastName,
    status: row.status,
    roles: roles.toSorted(),
    emailVerifiedAt: row.emailVerifiedAt?.toISOString() ?? null,
    lastLoginAt: row.lastLoginAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    version: row.version,
  };
}

export function toUserWithRoles({ roles, ...row }: UserRowWithRoles): User {
  return toUser(
    row,
    roles.map(({ role }) => role.name),
  );
}
