import { z } from "zod";
import type { Prisma } from "../../generated/prisma/client.ts";
import { line, PageQuery, Slug, Timestamp } from "../fields.ts";
import { readSettings, TenantSettings, UpdateTenantSettings } from "../tenant-settings/settings.ts";

export const Tenant = z
  .object({
    id: z.uuid(),
    slug: z.string(),
    name: z.string(),
    status: z.enum(["active", "suspended"]),
    settings: TenantSettings,
    /** How many people it may have, pending invitations included; null for any number. */
    seatLimit: z.int().nullable(),
    /** Set until it is restored or purged. */
    deletedAt: Timestamp.nullable(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    version: z.int(),
  })
  .meta({ ref: "Tenant" });
export type Tenant = z.infer<typeof Tenant>;

export const tenantSelect = {
  id: true,
  slug: true,
  name: true,
  status: true,
  settings: true,
  seatLimit: true,
  deletedAt: true,
  createdAt: true,
  updatedAt: true,
  version: true,
} satisfies Prisma.TenantSelect;

export type TenantRow = Prisma.TenantGetPayload<{ select: typeof tenantSelect }>;

/** The same as SQL, each name behind `tenant.`, for a row that has other things too; a test holds the two equal. */
export const TENANT_COLUMNS = `
  tenants.id AS "tenant.id", tenants.slug AS "tenant.slug", tenants.name AS "tenant.name", tenants.status AS "tenant.status",
  tenants.settings AS "tenant.settings", tenants.seat_limit AS "tenant.seatLimit", tenants.deleted_at AS "tenant.deletedAt",
  tenants.created_at AS "tenant.createdAt", tenants.updated_at AS "tenant.updatedAt", tenants.version AS "tenant.version"`;

/** A row of `TENANT_COLUMNS` from an outer join. */
export type TenantBeside =
  | {
      [Field in keyof TenantRow as `tenant.${Field}`]: TenantRow[Field];
    }
  | { "tenant.id": null };

export function tenantBeside(row: TenantBeside): TenantRow | null {
  if (row["tenant.id"] === null) return null;
  return {
    id: row["tenant.id"],
    slug: row["tenant.slug"],
    name: row["tenant.name"],
    status: row["tenant.status"],
    settings: row["tenant.settings"],
    seatLimit: row["tenant.seatLimit"],
    deletedAt: row["tenant.deletedAt"],
    createdAt: row["tenant.createdAt"],
    updatedAt: row["tenant.updatedAt"],
    version: row["tenant.version"],
  };
}

export function toTenant(row: TenantRow): Tenant {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    status: row.status,
    settings: readSettings(row.settings),
    seatLimit: row.seatLimit,
    deletedAt: row.deletedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    version: row.version,
  };
}

/** Platform accounts alone decide it. */
const SeatLimit = z.int().min(1).max(10_000_000);

export const CreateTenantInput = z
  .strictObject({
    name: line(120),
    slug: Slug,
    settings: TenantSettings.optional(),
    seatLimit: SeatLimit.nullable().optional(),
  })
  .meta({ ref: "CreateTenantInput" });
export type CreateTenantInput = z.infer<typeof CreateTenantInput>;

export const UpdateTenantInput = z
  .strictObject({
    name: line(120).optional(),
    slug: Slug.optional(),
    /** Merged into what is there, key by key. */
    settings: UpdateTenantSettings.optional(),
    seatLimit: SeatLimit.nullable().optional(),
  })
  .refine((input) => Object.keys(input).length > 0, "Name at least one field")
  .meta({ ref: "UpdateTenantInput" });
export type UpdateTenantInput = z.infer<typeof UpdateTenantInput>;

export const ListTenantsQuery = PageQuery.extend({
  search: line(100).optional(),
  status: z.enum(["active", "suspended"]).optional(),
  deleted: z.stringbool().default(false),
});
export type ListTenantsQuery = z.infer<typeof ListTenantsQuery>;

/** The slug again, so that nobody purges another tenant than they think. */
export const PurgeTenantInput = z
  .strictObject({ slug: z.string().max(63) })
  .meta({ ref: "PurgeTenantInput" });
export type PurgeTenantInput = z.infer<typeof PurgeTenantInput>;

export const MoveUserPoolInput = z
  .strictObject({
    userPool: z.enum(["shared", "isolated"]),
    /** Counts, and writes nothing. */
    dryRun: z.boolean().default(false),
  })
  .meta({ ref: "MoveUserPoolInput" });
export type MoveUserPoolInput = z.infer<typeof MoveUserPoolInput>;

export const UserPoolMove = z
  .object({
    userPool: z.enum(["shared", "isolated"]),
    dryRun: z.boolean(),
    moved: z.int().meta({ description: "Accounts that went along, with all that they have" }),
    copied: z
      .int()
      .meta({ description: "People with other tenants, who got an account without a password" }),
    provisional: z
      .int()
      .meta({ description: "People who stay in the tenant's pool until they prove their address" }),
  })
  .meta({ ref: "UserPoolMove" });
export type UserPoolMove = z.infer<typeof UserPoolMove>;

export const TenantUsage = z
  .object({
    users: z.object({ active: z.int(), disabled: z.int(), deleted: z.int() }),
    serviceAccounts: z.int(),
    pendingInvitations: z.int(),
    seats: z.object({ taken: z.int(), limit: z.int().nullable() }),
    activeSessions: z.int(),
    apiKeys: z.int(),
    /** When a session of the tenant was last used, to the last refresh of its tokens. */
    lastActivityAt: Timestamp.nullable(),
  })
  .meta({ ref: "TenantUsage" });
export type TenantUsage = z.infer<typeof TenantUsage>;
