import { z } from "zod";
import type { Prisma } from "../../generated/prisma/client.ts";
import { Id, line, PageQuery, pageOf, Timestamp, text } from "../fields.ts";
import { permissionOf } from "./permission-schemas.ts";
import { MOST_APPLICATION_PERMISSIONS, PERMISSIONS, TENANT_PERMISSIONS } from "./permissions.ts";

/** In one question. */
const MOST_CHECKED = 50;

const RoleName = text(50).regex(
  /^[a-z][a-z0-9_]*$/,
  "Lower-case letters, digits and underscores, a letter first",
);

const Permissions = z
  .array(permissionOf(TENANT_PERMISSIONS))
  .max(TENANT_PERMISSIONS.length + MOST_APPLICATION_PERMISSIONS)
  .transform((keys) => [...new Set(keys)]);

export const CreateRoleInput = z
  .strictObject({
    name: RoleName,
    description: line(255).optional(),
    permissions: Permissions,
    /** For platform accounts, which have no roles of their own: the tenant that the role is for. */
    tenantId: Id.optional(),
  })
  .meta({ ref: "CreateRoleInput" });
export type CreateRoleInput = z.infer<typeof CreateRoleInput>;

export const UpdateRoleInput = z
  .strictObject({
    name: RoleName.optional(),
    description: line(255).nullable().optional(),
    /** All that the role is to hold from now on. */
    permissions: Permissions.optional(),
  })
  .refine((input) => Object.keys(input).length > 0, "Name at least one field")
  .meta({ ref: "UpdateRoleInput" });
export type UpdateRoleInput = z.infer<typeof UpdateRoleInput>;

export const ListRolesQuery = PageQuery.extend({
  /** For platform accounts; everybody else sees the roles of their own tenant. */
  tenantId: Id.optional(),
});
export type ListRolesQuery = z.infer<typeof ListRolesQuery>;

const fields = {
  id: z.uuid(),
  /** Null for a system role, which every tenant has. */
  tenantId: z.uuid().nullable(),
  name: z.string(),
  description: z.string().nullable(),
  permissions: z.array(z.string()),
  createdAt: Timestamp,
  updatedAt: Timestamp,
};

export const Role = z
  .object({
    ...fields,
    holders: z.int().meta({ description: "How many users and service accounts hold it" }),
  })
  .meta({ ref: "Role" });
export type Role = z.infer<typeof Role>;
export const RolePage = pageOf(Role, "RolePage");

export const UserRoles = z.object({ roles: z.array(z.object(fields)) }).meta({ ref: "UserRoles" });
export type UserRoles = z.infer<typeof UserRoles>;

export const CheckInput = z
  .strictObject({ permissions: z.array(permissionOf(PERMISSIONS)).min(1).max(MOST_CHECKED) })
  .meta({ ref: "CheckInput" });
export type CheckInput = z.infer<typeof CheckInput>;

export const CheckAnswer = z
  .object({
    allowed: z.boolean().meta({ description: "All of them are held" }),
    missing: z.array(z.string()),
  })
  .meta({ ref: "CheckAnswer" });
export type CheckAnswer = z.infer<typeof CheckAnswer>;

/** The columns behind `Role`. */
export const roleSelect = {
  id: true,
  tenantId: true,
  name: true,
  description: true,
  createdAt: true,
  updatedAt: true,
  permissions: { select: { permissionKey: true } },
} satisfies Prisma.RoleSelect;

export type RoleRow = Prisma.RoleGetPayload<{ select: typeof roleSelect }>;

export function toRole(row: RoleRow): Omit<Role, "holders"> {
  return {
    id: row.id,
    tenantId: row.tenantId,
    name: row.name,
    description: row.description,
    permissions: permissionsOf(row),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export function permissionsOf({ permissions }: Pick<RoleRow, "permissions">): string[] {
  return permissions.map((row) => row.permissionKey).sort();
}
